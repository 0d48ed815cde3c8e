//! The serving end's connections. With TLS, who has not shown a certificate that is taken is never heard of behind here.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::either::Either;
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::tls::Handshakes;

/// Handshakes at once; who comes meanwhile waits to be accepted.
const MOST_HANDSHAKES: usize = 256;
/// Pause after a failed accept: without file descriptors the next would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A connection from a caller, with TLS or without.
#[derive(Debug)]
pub struct Incoming {
    stream: Either<TcpStream, Box<TlsStream<TcpStream>>>,
    peer: Option<SocketAddr>,
}

/// Connections that come to `listener`, until what is returned is dropped. With `handshakes` each is a task of its own until
/// it is agreed upon, so that nobody who is slow keeps others waiting.
///
/// Answers are sent as they are made. An answer is several small writes, and a kernel that waits with the second until the
/// first is acknowledged holds it back for as long as the peer's kernel waits with that: 40 ms.
#[must_use]
pub fn incoming(
    listener: TcpListener,
    handshakes: Option<Handshakes>,
) -> ReceiverStream<io::Result<Incoming>> {
    let (connections, incoming) = mpsc::channel(1);
    tokio::spawn(accept(listener, handshakes, connections));
    ReceiverStream::new(incoming)
}

async fn accept(
    listener: TcpListener,
    handshakes: Option<Handshakes>,
    connections: mpsc::Sender<io::Result<Incoming>>,
) {
    let mut under_way = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = connections.closed() => return,
            Some(_) = under_way.join_next() => continue,
            accepted = listener.accept(), if under_way.len() < MOST_HANDSHAKES => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                under_way.spawn(admit(stream, peer, handshakes.clone(), connections.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn admit(
    stream: TcpStream,
    peer: SocketAddr,
    handshakes: Option<Handshakes>,
    connections: mpsc::Sender<io::Result<Incoming>>,
) {
    // Without it answers are slow, and that is all.
    let _ = stream.set_nodelay(true);
    let stream = match handshakes {
        None => Either::Left(stream),
        Some(handshakes) => match handshakes.answer(stream).await {
            Some(stream) => Either::Right(Box::new(stream)),
            None => return,
        },
    };
    let peer = Some(peer);
    // A server that has ended takes nobody any more.
    let _ = connections.send(Ok(Incoming { stream, peer })).await;
}

// === impl Incoming ===

impl Incoming {
    /// The socket below.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        match &self.stream {
            Either::Left(stream) => stream,
            Either::Right(stream) => stream.get_ref().0,
        }
    }
}

impl Connected for Incoming {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        TcpConnectInfo {
            local_addr: self.socket().local_addr().ok(),
            remote_addr: self.peer,
        }
    }
}

impl AsyncRead for Incoming {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Incoming {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
