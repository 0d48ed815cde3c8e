//! An nginx of a benchmark's own, which ends with its value.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use testbed::eventually;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Starts one in its directory, and waits until the loopback port `port` of its configuration can be connected to.
pub(crate) async fn start(
    directory: &Path,
    configuration: &str,
    port: u16,
) -> anyhow::Result<Child> {
    tokio::fs::write(directory.join("nginx.conf"), configuration).await?;
    let nginx = Command::new("nginx")
        .arg("-p")
        .arg(directory)
        .args(["-e", "stderr", "-c", "nginx.conf"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("nginx can't be started")?;
    eventually(Duration::from_secs(10), "nginx's readiness", || async {
        Ok(TcpStream::connect(("127.0.0.1", port)).await?)
    })
    .await?;
    Ok(nginx)
}
