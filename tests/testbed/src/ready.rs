//! When a part is ready: it answers in its own protocol, not merely on its port.

use std::time::Duration;

use anyhow::{bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http;
use crate::identity;
use crate::seed;

/// Longest wait for one probe; a probe that hangs is tried again.
const PATIENCE: Duration = Duration::from_secs(10);

/// How to see that a part does its work.
#[derive(Debug, Clone)]
pub(crate) enum Probe {
    /// Something listens on this loopback port.
    Listens(u16),
    /// 2xx or 300 (how Glance answers its version list).
    Http(String),
    /// Keystone at this address issues and validates a token.
    Keystone(String),
    /// The broker greets.
    Amqp(u16),
    /// Redis answers PING, so it has read its file.
    Redis(u16),
}

impl Probe {
    /// One try.
    ///
    /// # Errors
    /// What is still missing.
    pub(crate) async fn check(&self) -> anyhow::Result<()> {
        tokio::time::timeout(PATIENCE, async {
            match self {
                Self::Listens(port) => TcpStream::connect(("127.0.0.1", *port)).await.map(drop)?,
                Self::Http(url) => answers(url).await?,
                Self::Keystone(url) => issues_and_validates(url).await?,
                Self::Amqp(port) => greets(*port).await?,
                Self::Redis(port) => pongs(*port).await?,
            }
            Ok(())
        })
        .await?
    }
}

async fn answers(url: &str) -> anyhow::Result<()> {
    let status = http::client()?.get(url).send().await?.status();
    ensure!(
        status.is_success() || status.as_u16() == 300,
        "{url} answers {status}"
    );
    Ok(())
}

/// Keystone loads its policy at the first validation, and not safely: of several first validations at once some are
/// refused, which Glance passes on as 401. So the first one is made here, alone.
async fn issues_and_validates(url: &str) -> anyhow::Result<()> {
    answers(url).await?;
    let token = identity::issue_token(url, "admin", seed::password("admin")?, "admin").await?;
    identity::validate(url, &token).await
}

/// The broker answers the protocol header of AMQP 0-9-1 (section 4.2.2) with a method frame, which begins with 1.
async fn greets(port: u16) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"AMQP\x00\x00\x09\x01").await?;
    match stream.read_u8().await? {
        1 => Ok(()),
        other => bail!("port {port} answers the AMQP header with {other}"),
    }
}

async fn pongs(port: u16) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await?;
    ensure!(&answer == b"+PONG\r\n", "Redis is not ready");
    Ok(())
}
