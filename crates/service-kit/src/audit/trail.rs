//! The audit trail as a test sees it: what its own thread writes, in memory.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::subscriber::{DefaultGuard, set_default};
use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogFormat;

/// Every log line of this thread from `info` on, until it is dropped.
#[derive(Debug)]
pub struct Trail {
    lines: Lines,
    _here: DefaultGuard,
}

#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Trail {
    /// Begins to keep what this thread logs, in the form that a service would log it.
    #[must_use]
    pub fn begin(format: LogFormat) -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(writer)
            .with_ansi(false);
        let here = match format {
            LogFormat::Human => set_default(subscriber.finish()),
            LogFormat::Json => set_default(subscriber.json().flatten_event(true).finish()),
        };
        Self { lines, _here: here }
    }

    /// The lines of the audit trail so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let all = String::from_utf8_lossy(&self.lines.lock()).into_owned();
        let of_the_trail = |line: &&str| {
            line.contains(r#""target":"audit""#)
                || line.contains(" INFO audit: ")
                || line.contains(": audit: ")
        };
        all.lines()
            .filter(of_the_trail)
            .map(str::to_owned)
            .collect()
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
