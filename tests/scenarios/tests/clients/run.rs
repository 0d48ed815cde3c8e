//! Runs a client to its end.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

/// How long a client may take on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// A Python script of this folder.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(name)
}

/// Runs a client that must succeed; gives what it printed.
///
/// # Errors
/// When it exits with anything but 0, with all that it wrote.
pub(crate) async fn text_of(command: &mut Command) -> anyhow::Result<String> {
    let output = output_of(command).await?;
    ensure!(
        output.status.success(),
        "{} ends with {}:\n{}{}",
        told(command),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs a client that must succeed and print one JSON document.
///
/// # Errors
/// As [`text_of`], or when it prints something else.
pub(crate) async fn json_of(command: &mut Command) -> anyhow::Result<Value> {
    let text = text_of(command).await?;
    serde_json::from_str(&text).with_context(|| format!("{} printed {text:?}", told(command)))
}

/// Runs a client, however it ends.
///
/// # Errors
/// When it can't be started or doesn't end.
pub(crate) async fn output_of(command: &mut Command) -> anyhow::Result<Output> {
    let run = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(PATIENCE, run).await;
    output
        .with_context(|| format!("{} doesn't end", told(command)))?
        .with_context(|| format!("{} can't be started", told(command)))
}

/// What was called, without its variables.
fn told(command: &Command) -> String {
    let command = command.as_std();
    format!("{:?} {:?}", command.get_program(), command.get_args())
}
