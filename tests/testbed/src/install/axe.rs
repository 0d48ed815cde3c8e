//! axe-core, out of a wheel of the Python package index that carries it as one file: that index is asked by the test bed anyway,
//! and so no Node is needed. The wheel is pinned by its hash, and nothing of it is run.

use std::path::PathBuf;

use tokio::process::Command;

use super::python;
use crate::cache;
use crate::command::output_of;

/// The wheel.
const LOCK: &str = include_str!("../../clients/axe.lock");

/// The directory with what is in the wheel, fetched when the cache has none.
///
/// # Errors
/// When the wheel cannot be had, or has another hash.
pub(crate) async fn axe() -> anyhow::Result<PathBuf> {
    let name = format!("axe-{}", cache::fingerprint(&[LOCK]));
    cache::entry(&name, async |directory| {
        let interpreter = python::interpreter().await?;
        let servers = python::environment(&interpreter, &python::SERVERS).await?;
        let lock = directory.join("requirements.lock");
        std::fs::write(&lock, LOCK)?;
        let mut pip = Command::new(servers.join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--require-hashes", "--no-deps", "--no-compile", "--target"])
        .arg(&directory)
        .arg("-r")
        .arg(&lock);
        output_of(pip).await.map(drop)
    })
    .await
}
