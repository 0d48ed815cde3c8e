//! What the page has started in the background. The page ends it itself; when it is not followed to its end, this does.

use rustix::process::{Pid, Signal, kill_process};

/// Processes of the shell's jobs.
#[derive(Debug, Default)]
pub(crate) struct Started(Vec<Pid>);

// === impl Started ===

impl Started {
    /// Takes over what `jobs -p` prints.
    pub(crate) fn note(&mut self, printed: &str) -> anyhow::Result<()> {
        self.0.clear();
        for line in printed.lines() {
            self.0.extend(Pid::from_raw(line.trim().parse()?));
        }
        Ok(())
    }

    /// The shell has waited for all of them.
    pub(crate) fn are_over(&mut self) {
        self.0.clear();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        for process in &self.0 {
            // It may have ended by itself.
            let _ = kill_process(*process, Signal::TERM);
        }
    }
}
