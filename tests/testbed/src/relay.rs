//! One address for all schedulers: each new connection goes to the next scheduler that accepts one.
//!
//! This is what a Kubernetes Service does for the pods behind it. Connections stick to their scheduler until one
//! side closes; schedulers that do not listen are skipped, so scaling needs no word to the relay.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};

/// Relays connections from `port` to `targets` (loopback ports, tried in turn) until the process ends.
///
/// # Errors
/// When `port` cannot be listened on.
pub async fn relay(port: u16, targets: Vec<u16>) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let targets: Arc<[u16]> = targets.into();
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
async fn connect(targets: &[u16], turn: &AtomicUsize) -> Option<TcpStream> {
    let last = turn.load(Ordering::Relaxed);
    for step in 1..=targets.len() {
        let chosen = (last + step) % targets.len();
        if let Ok(server) = TcpStream::connect(("127.0.0.1", targets[chosen])).await {
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
