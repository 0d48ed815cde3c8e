//! Runs a program to its end and turns a failure into an error that shows what it printed.

use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

/// Longest tail of a failed program's output that an error repeats, in characters.
const TAIL: usize = 3000;

/// Runs `command` to its end and returns what it wrote to stdout.
///
/// The program dies with the caller's task and reads nothing from the terminal.
///
/// # Errors
/// When the program cannot be started or exits with anything but 0; the error carries the end of its output.
pub(crate) async fn output_of(mut command: Command) -> anyhow::Result<String> {
    let name = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("cannot run {name}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let all = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
        let skipped = all.chars().count().saturating_sub(TAIL);
        let tail: String = all.chars().skip(skipped).collect();
        bail!("{name} failed ({}):\n{tail}", output.status);
    }
    Ok(stdout)
}
