//! A relay before a server that notices when a request passes and when its answer begins.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Method and path, with ids left out.
    pub(super) line: String,
    pub(super) sent: Instant,
    pub(super) answered: Option<Instant>,
}

/// Relays until it is dropped.
pub(super) struct Spy {
    address: SocketAddr,
    client: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
    _relaying: AbortOnDropHandle<()>,
}

impl Spy {
    /// A relay on a free port from `client` to `server` (`http://host:port`).
    ///
    /// # Errors
    /// When there is no free port.
    pub(super) async fn before(server: &str, client: &'static str) -> anyhow::Result<Self> {
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
            client,
            seen,
            _relaying: AbortOnDropHandle::new(relaying),
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Who goes through it.
    pub(super) fn client(&self) -> &'static str {
        self.client
    }

    /// Requests since the last [`Spy::forget`].
    pub(super) fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    pub(super) fn forget(&self) {
        lock(&self.seen).clear();
    }
}

/// A direction that breaks does not end the other: an answer that has come is still passed on.
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
    // The request that waits on this connection, by its place among those that were seen.
    let open = Mutex::new(None);
    let there = pass_on(requests, to_server, |bytes| {
        if let Some(line) = request_line(bytes) {
            let mut seen = lock(&seen);
            *lock(&open) = Some(seen.len());
            seen.push(Seen {
                line,
                sent: Instant::now(),
                answered: None,
            });
        }
    });
    let back = pass_on(answers, to_client, |_| {
        if let Some(place) = lock(&open).take()
            && let Some(seen) = lock(&seen).get_mut(place)
        {
            seen.answered = Some(Instant::now());
        }
    });
    let (there, back) = tokio::join!(there, back);
    there.and(back)
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

/// Method and path of the request that begins here, if one does: clients write the head of a request at once.
fn request_line(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_suffix(" HTTP/1.1")?;
    let (method, target) = line.split_once(' ')?;
    let path = target.split('?').next()?;
    let is_id =
        |part: &str| part.len() >= 32 && part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| if is_id(part) { "ID" } else { part })
        .collect();
    Some(format!("{method} {}", parts.join("/")))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_a_request_counts_and_ids_are_left_out() {
        let line = |text: &str| request_line(text.as_bytes());
        let id = "a0a0a0a0-0000-4000-8000-000000000001";
        let get = format!("GET /v2/images/{id}/file?x=1 HTTP/1.1\r\nhost: y\r\n\r\n");
        assert_eq!(line(&get).as_deref(), Some("GET /v2/images/ID/file"));
        assert_eq!(line("{\"a body\": 1}"), None);
    }
}
