//! A server that answers its connections, one after the other, with prepared bytes; with TLS if it has a certificate.

use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use url::Url;

/// What one connection gets.
#[derive(Clone)]
pub(crate) struct Answer {
    bytes: Vec<u8>,
    reads_body: bool,
    closes: bool,
}

impl Answer {
    /// A whole answer after the whole request.
    pub(crate) fn new(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        Self::raw(text)
    }

    /// These bytes, whatever they mean, after the whole request.
    pub(crate) fn raw(text: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: text.into(),
            reads_body: true,
            closes: true,
        }
    }

    /// Leaves the connection open after the answer, until the client closes it.
    pub(crate) fn kept_open(self) -> Self {
        Self {
            closes: false,
            ..self
        }
    }

    /// Answers after the request's head and closes, with the body still coming.
    pub(crate) fn early(self) -> Self {
        Self {
            reads_body: false,
            ..self
        }
    }
}

/// A running server; ends when dropped.
pub(crate) struct Server {
    pub(crate) url: Url,
    heads: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Server {
    /// One answer a connection; the last one is repeated.
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        Self::start_with(answers, None).await
    }

    /// The same with TLS.
    pub(crate) async fn start_encrypted(answers: Vec<Answer>, config: ServerConfig) -> Self {
        Self::start_with(answers, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start_with(answers: Vec<Answer>, tls: Option<TlsAcceptor>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut count = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let answer = answers[count.min(answers.len() - 1)].clone();
                let Some(acceptor) = &tls else {
                    count += 1;
                    serve(stream, answer, &seen).await;
                    continue;
                };
                // Who does not trust this server gets no answer.
                if let Ok(stream) = acceptor.accept(stream).await {
                    count += 1;
                    serve(stream, answer, &seen).await;
                }
            }
        });
        Self {
            url: Url::parse(&format!("{scheme}://{address}")).expect("a URL"),
            heads,
            _task: task,
        }
    }

    /// The heads of the requests so far, lower-case.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("not poisoned").clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: Answer,
    seen: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length: u64 = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().expect("a number"));
    seen.lock().expect("not poisoned").push(head);
    if answer.reads_body {
        let mut body = (&mut stream).take(length);
        // A client that gives up ends this as well as one that sends all.
        let _ = tokio::io::copy(&mut body, &mut tokio::io::sink()).await;
    }
    let _ = stream.write_all(&answer.bytes).await;
    if !answer.closes {
        let _ = stream.read_u8().await;
    }
}
