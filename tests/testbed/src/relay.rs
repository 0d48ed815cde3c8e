//! One address for all schedulers, or for a region's gateways: each new connection goes to the next of them that
//! accepts one.
//!
//! This is what a Kubernetes Service does for the pods behind it. Connections stick to their target until one
//! side closes; targets that do not listen are skipped, so scaling needs no word to the relay. A target with an admin
//! port gets connections only while it is ready, of which the relay hears a moment late, as a cluster does.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::http;

/// How often a target is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Where connections may go.
#[derive(Debug, Clone)]
pub struct Target {
    port: u16,
    admin: Option<u16>,
    ready: Arc<AtomicBool>,
}

impl FromStr for Target {
    type Err = anyhow::Error;

    /// A loopback port, or `PORT:ADMIN` with the port where `/readyz` is.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (port, admin) = match text.split_once(':') {
            Some((port, admin)) => (port, Some(admin.parse()?)),
            None => (text, None),
        };
        Ok(Self {
            port: port.parse()?,
            admin,
            ready: Arc::new(AtomicBool::new(admin.is_none())),
        })
    }
}

/// Keeps a target's readiness.
async fn follow(target: Target, admin: u16) -> anyhow::Result<()> {
    let client = http::client().context("no way to ask for readiness")?;
    let page = format!("http://127.0.0.1:{admin}/readyz");
    loop {
        let answer = client.get(&page).timeout(ASK_EVERY).send().await;
        let ready = answer.is_ok_and(|answer| answer.status().is_success());
        target.ready.store(ready, Ordering::Relaxed);
        sleep(ASK_EVERY).await;
    }
}

/// Relays connections from `port` to `targets`, tried in turn, until the process ends.
///
/// # Errors
/// When `port` cannot be listened on.
pub async fn relay(port: u16, targets: Vec<Target>) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    for target in &targets {
        if let Some(admin) = target.admin {
            tokio::spawn(follow(target.clone(), admin));
        }
    }
    let targets: Arc<[Target]> = targets.into();
    let turn = Arc::new(AtomicUsize::new(0));
    loop {
        let (client, _) = listener.accept().await?;
        let (targets, turn) = (Arc::clone(&targets), Arc::clone(&turn));
        tokio::spawn(async move {
            // A connection that breaks is the two ends' affair: both see it break.
            if let Some(server) = connect(&targets, &turn).await {
                let _ = splice(client, server).await;
            }
        });
    }
}

/// Tries every target once, beginning after the one that was chosen last.
async fn connect(targets: &[Target], turn: &AtomicUsize) -> Option<TcpStream> {
    let last = turn.load(Ordering::Relaxed);
    for step in 1..=targets.len() {
        let chosen = (last + step) % targets.len();
        let target = &targets[chosen];
        if target.ready.load(Ordering::Relaxed)
            && let Ok(server) = TcpStream::connect(("127.0.0.1", target.port)).await
        {
            turn.store(chosen, Ordering::Relaxed);
            return Some(server);
        }
    }
    None
}

async fn splice(mut client: TcpStream, mut server: TcpStream) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
