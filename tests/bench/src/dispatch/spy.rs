//! A relay before a Glance that notices when an image's bytes are asked for and when the first of the answer passes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// One download.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) asked: Instant,
    pub(super) answered: Option<Instant>,
}

/// Relays until it is dropped.
pub(super) struct Spy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _relaying: AbortOnDropHandle<()>,
}

/// The download that a connection carries, by its place among those that were seen.
type Carried = Arc<Mutex<Option<usize>>>;

impl Spy {
    /// A relay on a free port to `server` (`http://host:port`).
    ///
    /// # Errors
    /// When there is no free port.
    pub(super) async fn before(server: &str) -> anyhow::Result<Self> {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let shared = Arc::clone(&seen);
        let relaying = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A connection that breaks is the two ends' affair: both see it break.
                tokio::spawn(relay(client, server.clone(), Arc::clone(&shared)));
            }
        });
        Ok(Self {
            address,
            seen,
            _relaying: AbortOnDropHandle::new(relaying),
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Downloads since the last [`Spy::forget`].
    pub(super) fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    pub(super) fn forget(&self) {
        lock(&self.seen).clear();
    }
}

async fn relay(
    client: TcpStream,
    server: String,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> std::io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (requests, to_client) = client.into_split();
    let (answers, to_server) = server.into_split();
    let carried = Carried::default();
    let there = pass_on(requests, to_server, |bytes| {
        if asks_for_bytes(bytes) {
            let mut seen = lock(&seen);
            *lock(&carried) = Some(seen.len());
            seen.push(Seen {
                asked: Instant::now(),
                answered: None,
            });
        }
    });
    let back = pass_on(answers, to_client, |_| {
        if let Some(place) = lock(&carried).take()
            && let Some(seen) = lock(&seen).get_mut(place)
        {
            seen.answered = Some(Instant::now());
        }
    });
    tokio::try_join!(there, back).map(drop)
}

async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    look: impl Fn(&[u8]),
) -> std::io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        look(&buffer[..length]);
        to.write_all(&buffer[..length]).await?;
    }
}

/// Whether a request for an image's bytes begins here. Clients write the head of a request at once.
fn asks_for_bytes(bytes: &[u8]) -> bool {
    let line = bytes
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    line.starts_with(b"GET /v2/images/") && line.ends_with(b"/file HTTP/1.1")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_for_bytes_counts() {
        assert!(asks_for_bytes(
            b"GET /v2/images/x/file HTTP/1.1\r\nhost: y\r\n\r\n"
        ));
        assert!(!asks_for_bytes(b"GET /v2/images/x HTTP/1.1\r\n\r\n"));
        assert!(!asks_for_bytes(b"PUT /v2/images/x/file HTTP/1.1\r\n\r\n"));
    }
}
