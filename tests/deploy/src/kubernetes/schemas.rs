//! The manifests held against the schemas of Kubernetes, and those of custom resources against the ones that are kept here.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::manifests::Manifests;
use crate::repository;

/// The version that is asked for: the oldest that kubernetes-validate knows and that its makers still look after.
const VERSION: &str = "1.34";

/// What the schemas say against the manifests, one line each.
///
/// # Errors
/// When the validator can't be run.
pub fn complaints(python: &Path, manifests: &Manifests) -> anyhow::Result<Vec<String>> {
    let mut validator = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("validate.py"))
        .arg(VERSION)
        .arg(repository::root().join("deploy/kubernetes/schemas"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = validator.stdin.take().context("it is piped")?;
    stdin.write_all(serde_json::to_string(&manifests.0)?.as_bytes())?;
    drop(stdin);
    let output = validator.wait_with_output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{stderr}");
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(str::to_owned).collect())
}
