//! Runs programs to their end and watches their memory.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::process::{Child, Command};
use tokio::time::{MissedTickBehavior, interval};

use crate::process;

/// How often it is looked at what memory a program has had so far. The kernel keeps the peak, so only what it takes in
/// the last moment before its end is missed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A program that has ended well.
pub(crate) struct Ended {
    /// What it printed.
    pub(crate) printed: String,
    /// The most memory that it had resident, in bytes.
    pub(crate) peak: u64,
}

/// A program that runs.
pub(crate) struct Running {
    program: OsString,
    child: Child,
}

/// Runs a program.
///
/// # Errors
/// When it can't be started, or ends with anything but 0; with what it said.
pub(crate) async fn run(mut command: Command) -> anyhow::Result<Ended> {
    until_ended(start(&mut command)?).await
}

/// Starts a program; one that is dropped is killed.
///
/// # Errors
/// When it can't be started.
pub(crate) fn start(command: &mut Command) -> anyhow::Result<Running> {
    let program = command.as_std().get_program().to_owned();
    let child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let child = child.with_context(|| format!("{} can't be started", program.display()))?;
    Ok(Running { program, child })
}

/// Waits for a program's end.
///
/// # Errors
/// When it ends with anything but 0; with what it said.
pub(crate) async fn until_ended(Running { program, child }: Running) -> anyhow::Result<Ended> {
    let pid = child.id().context("a program without a process")?;
    let mut ending = std::pin::pin!(child.wait_with_output());
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut peak = 0;
    let output = loop {
        tokio::select! {
            output = &mut ending => break output?,
            _ = look.tick() => peak = process::peak(pid).unwrap_or_default().max(peak),
        }
    };
    ensure!(
        output.status.success(),
        "{} ends with {}: {}",
        program.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(Ended {
        printed: String::from_utf8(output.stdout)?,
        peak,
    })
}

impl Running {
    /// What it prints, as another program's input.
    ///
    /// # Errors
    /// When its output is not a pipe.
    pub(crate) fn output(&mut self) -> anyhow::Result<Stdio> {
        let output = self.child.stdout.take();
        Ok(output.context("an output that is no pipe")?.try_into()?)
    }
}
