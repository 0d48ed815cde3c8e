//! The end of a test bed that nobody owns.

use std::path::Path;

use anyhow::ensure;

use crate::narrator::say;
use crate::state::State;
use crate::supervisor::Client;

/// Ends the test bed of `directory`; with `wipe`, removes the directory. Ending what has ended is no error.
///
/// # Errors
/// When a process survives, or the directory to be wiped is no test bed's.
pub async fn down(directory: &Path, wipe: bool) -> anyhow::Result<()> {
    let directory = std::path::absolute(directory)?;
    match Client::find(&directory) {
        Ok(supervisor) => supervisor.end().await?,
        Err(_) => say(format_args!("nothing runs in {}", directory.display())),
    }
    if wipe && directory.exists() {
        ensure!(
            State::read(&directory)?.is_some() || directory.join("log/supervisor.log").exists(),
            "{} is no test bed's directory and stays",
            directory.display()
        );
        std::fs::remove_dir_all(&directory)?;
    }
    Ok(())
}
