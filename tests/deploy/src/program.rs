//! Other programs, run to their end.

use std::process::{Command, Output};

use anyhow::{Context, ensure};

/// Runs a program and gives what it printed.
///
/// # Errors
/// When it can't be run or fails; the error ends with its complaint. What it was told by its environment is not shown.
pub(crate) fn said(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .with_context(|| format!("can't run {name}"))?;
    let stderr = String::from_utf8_lossy(&stderr);
    ensure!(
        status.success(),
        "{name} {arguments:?}: {status}: {stderr}{}",
        String::from_utf8_lossy(&stdout)
    );
    Ok(String::from_utf8(stdout)?)
}
