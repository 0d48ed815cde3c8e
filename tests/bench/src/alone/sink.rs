//! The sink: a Glance that counts the bytes of an upload and forgets them. A fake, because a real one hashes and stores
//! them, which takes many times longer than moving them.
//!
//! It speaks just enough HTTP/1.1 for the copy engine and curl: requests one after the other on a connection, bodies
//! with a length.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::source::StaticImage;

/// Uploads are read in pieces of this size.
const PIECE: usize = 1024 * 1024;

/// A sink that ends with this.
pub(crate) struct Sink {
    port: u16,
    state: Arc<State>,
    _serving: AbortOnDropHandle<()>,
}

struct State {
    /// What an image that was uploaded is said to hold: the source's bytes.
    holds: Value,
    images: Mutex<HashMap<String, Value>>,
    counted: AtomicU64,
}

/// The head of a request.
struct Head {
    method: String,
    path: String,
    length: u64,
}

impl Sink {
    /// A sink for copies of this image.
    ///
    /// # Errors
    /// When there is no free port.
    pub(crate) async fn start(of: &StaticImage) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State {
            holds: of.document(),
            images: Mutex::default(),
            counted: AtomicU64::new(0),
        });
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A connection that breaks is the client's affair: it sees it break.
                tokio::spawn(serve(client, Arc::clone(&shared)));
            }
        });
        Ok(Self {
            port,
            state,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Bytes of uploads so far.
    pub(crate) fn counted(&self) -> u64 {
        self.state.counted.load(Ordering::SeqCst)
    }
}

async fn serve(mut client: TcpStream, state: Arc<State>) -> anyhow::Result<()> {
    client.set_nodelay(true)?;
    let mut buffer = vec![0; PIECE];
    // How much of the buffer is read and not used yet.
    let mut held = 0;
    loop {
        let end = loop {
            let end = buffer[..held]
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
            match client.read(&mut buffer[held..]).await? {
                0 => return Ok(()),
                count => held += count,
            }
        };
        let head = Head::parse(&buffer[..end])?;
        buffer.copy_within(end..held, 0);
        held -= end;
        let (status, answer) = if head.path.ends_with("/file") {
            let mut left = head.length;
            loop {
                let taken = held.min(usize::try_from(left)?);
                left -= taken as u64;
                state.counted.fetch_add(taken as u64, Ordering::SeqCst);
                buffer.copy_within(taken..held, 0);
                held -= taken;
                if left == 0 {
                    break;
                }
                let most = PIECE.min(usize::try_from(left)?);
                held = client.read(&mut buffer[..most]).await?;
                anyhow::ensure!(held > 0, "an upload that ends early");
            }
            (204, state.take(&head.path))
        } else {
            let length = usize::try_from(head.length)?;
            anyhow::ensure!(length <= PIECE, "a document of {length} bytes");
            while held < length {
                match client.read(&mut buffer[held..]).await? {
                    0 => return Ok(()),
                    count => held += count,
                }
            }
            let answer = state.answer(&head, &buffer[..length])?;
            buffer.copy_within(length..held, 0);
            held -= length;
            answer
        };
        let answer = match answer {
            Value::Null => String::new(),
            document => document.to_string(),
        };
        let head = format!(
            "HTTP/1.1 {status} Counted\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        client.write_all((head + &answer).as_bytes()).await?;
    }
}

// === impl State ===

impl State {
    /// Status and document for anything but an upload.
    fn answer(&self, head: &Head, body: &[u8]) -> anyhow::Result<(u16, Value)> {
        let mut images = self.images();
        if head.method == "POST" {
            let mut image = self.holds.clone();
            image["status"] = "queued".into();
            for unknown in ["size", "os_hash_algo", "os_hash_value"] {
                image[unknown] = Value::Null;
            }
            let wanted: Value = serde_json::from_slice(body)?;
            image["id"] = wanted["id"].clone();
            image["owner"] = wanted["owner"].clone();
            let id = wanted["id"].as_str().context("a create without an id")?;
            images.insert(id.to_owned(), image.clone());
            return Ok((201, image));
        }
        Ok(
            match (head.method.as_str(), images.get(image_of(&head.path))) {
                (_, None) => (404, Value::Null),
                ("DELETE", Some(_)) => (204, Value::Null),
                (_, Some(image)) => (200, image.clone()),
            },
        )
    }

    /// An upload is over.
    fn take(&self, path: &str) -> Value {
        if let Some(image) = self.images().get_mut(image_of(path)) {
            for known in ["status", "size", "os_hash_algo", "os_hash_value"] {
                image[known] = self.holds[known].clone();
            }
        }
        Value::Null
    }

    fn images(&self) -> std::sync::MutexGuard<'_, HashMap<String, Value>> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id in `/v2/images/ID` and `/v2/images/ID/file`.
fn image_of(path: &str) -> &str {
    path.split('/').nth(3).unwrap_or_default()
}

// === impl Head ===

impl Head {
    fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let text = std::str::from_utf8(bytes)?;
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (method, path) = (word(), word());
        let length = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(Ok(0), |(_, value)| value.trim().parse())?;
        Ok(Self {
            method,
            path,
            length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_the_body_is() {
        let head = b"PUT /v2/images/x/file HTTP/1.1\r\nContent-Length: 7\r\n\r\n";
        let head = Head::parse(head).expect("a head");
        assert_eq!((head.method.as_str(), head.length), ("PUT", 7));
        assert_eq!(image_of(&head.path), "x");
        let head = Head::parse(b"GET /v2/images/x HTTP/1.1\r\n\r\n").expect("a head");
        assert_eq!(head.length, 0);
    }
}
