//! Tells the person at the terminal what is being done and how long it took.
//!
//! Lines go to stderr, so that what a command prints on stdout stays usable by other programs.

use std::fmt::Display;
use std::io::Write;

use tokio::time::Instant;

/// Writes one line to stderr; a closed stderr is nobody's loss.
pub fn say(line: impl Display) {
    // The only thing that can fail is the terminal itself, and then nobody reads.
    let _ = writeln!(std::io::stderr(), "test bed: {line}");
}

/// Announces `what`, runs it and says how long it took, in seconds.
///
/// # Errors
/// Whatever `work` answers.
pub async fn timed<T>(
    what: impl Display,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    say(format_args!("{what} …"));
    let started = Instant::now();
    let result = work.await;
    let seconds = started.elapsed().as_secs_f64();
    match &result {
        Ok(_) => say(format_args!("{what}: {seconds:.1} s")),
        Err(_) => say(format_args!("{what}: failed after {seconds:.1} s")),
    }
    result
}
