//! A relay in front of a server that keeps what clients send and what they get.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// Bytes by connection.
type Record = Arc<Mutex<Vec<Vec<u8>>>>;

/// Relays until it is dropped.
pub struct Wiretap {
    address: SocketAddr,
    heard: Record,
    answered: Record,
    _relaying: AbortOnDropHandle<()>,
}

impl Wiretap {
    /// A relay on a free port to `server` (`http://host:port`).
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn before(server: &str) -> anyhow::Result<Self> {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (heard, answered) = (Record::default(), Record::default());
        let records = (heard.clone(), answered.clone());
        let relaying = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A connection that breaks is the two ends' affair: both see it break.
                tokio::spawn(relay(client, server.clone(), records.clone()));
            }
        });
        Ok(Self {
            address,
            heard,
            answered,
            _relaying: AbortOnDropHandle::new(relaying),
        })
    }

    /// Where clients shall connect to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of all requests so far (request line and headers), names in lower case.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let texts = heard.iter().map(|bytes| String::from_utf8_lossy(bytes));
        texts.flat_map(|text| heads(&text)).collect()
    }

    /// Everything that went through so far, in both directions, as text.
    #[must_use]
    pub fn everything(&self) -> Vec<String> {
        let mut everything = Vec::new();
        for record in [&self.heard, &self.answered] {
            let record = record.lock().unwrap_or_else(PoisonError::into_inner);
            let texts = record.iter().map(|bytes| String::from_utf8_lossy(bytes));
            everything.extend(texts.map(std::borrow::Cow::into_owned));
        }
        everything
    }
}

async fn relay(
    client: TcpStream,
    server: String,
    (heard, answered): (Record, Record),
) -> std::io::Result<()> {
    let (mut answers, mut to_server) = TcpStream::connect(server).await?.into_split();
    let (mut requests, mut to_client) = client.into_split();
    let there = pass_on(&mut requests, &mut to_server, &heard);
    let back = pass_on(&mut answers, &mut to_client, &answered);
    tokio::try_join!(there, back).map(drop)
}

async fn pass_on(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    record: &Record,
) -> std::io::Result<()> {
    let lock = || record.lock().unwrap_or_else(PoisonError::into_inner);
    let connection = {
        let mut record = lock();
        record.push(Vec::new());
        record.len() - 1
    };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let bytes = &buffer[..length];
        lock()[connection].extend(bytes);
        to.write_all(bytes).await?;
    }
}

/// Request lines with the headers behind them, whatever lies between (bodies are not looked for).
fn heads(text: &str) -> Vec<String> {
    let mut heads: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.split("\r\n") {
        // A body without line end stands before the next request's line.
        if let Some(request) = line.strip_suffix(" HTTP/1.1") {
            let start = ["GET /", "PUT /", "POST /", "PATCH /", "DELETE /"]
                .iter()
                .filter_map(|method| request.rfind(method))
                .max();
            heads.push(request[start.unwrap_or(0)..].to_owned());
            open = true;
        } else if line.is_empty() {
            open = false;
        } else if open && let Some(head) = heads.last_mut() {
            head.push('\n');
            head.push_str(&line.to_lowercase());
        }
    }
    heads
}

#[test]
fn heads_are_found_between_bodies() {
    let text = "PUT /a HTTP/1.1\r\nX: Y\r\n\r\nbodyPATCH /b HTTP/1.1\r\nTraceParent: t\r\n\r\n[]";
    assert_eq!(heads(text), ["PUT /a\nx: y", "PATCH /b\ntraceparent: t"]);
}
