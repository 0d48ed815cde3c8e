//! The HTTP/1.1 server, with TLS where there is a certificate: accepts, limits what a connection may cost, drains.
//!
//! The end comes in two steps. First it is announced: connections are still taken, for a front sends some until it
//! has noticed that readiness is gone, but each answer closes its connection, so that no front keeps one. Then
//! nothing more is taken, and what runs may end.
//!
//! Written out instead of `axum::serve`, which has no limit on how long a client may take to send a
//! request's head and none on how long a drain may wait.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::{Request, State};
use axum::middleware::{AddExtension, map_request, map_response_with_state};
use axum::response::Response;
use axum::{Extension, Router};
use http::header::CONNECTION;
use http::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use service_kit::tls::Handshakes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Layer;

use crate::origin::Peer;

/// How long a connection may be idle, or take to send a request's head. Longer than fronts keep idle
/// connections (nginx: 60 s), so that they close first and never write into a closing connection.
const HEAD_PATIENCE: Duration = Duration::from_secs(75);
/// A request's head with the longest token fits twice.
const LARGEST_HEAD: usize = 64 * 1024;
/// Pause after a failed accept: without file descriptors the next would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Closing a listener resets the connections that it has not accepted yet: they are accepted first, until none has
/// come for so long.
const LAST_ACCEPT: Duration = Duration::from_millis(20);

/// Where a front says how it was spoken to; see `links.rs`.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The two steps of a server's end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Departure {
    /// No more callers are wanted, and those that come are served.
    pub(crate) announced: CancellationToken,
    /// Nobody is let in any more.
    pub(crate) begun: CancellationToken,
}

/// The public port, bound but not yet serving.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
    /// None: without TLS.
    handshakes: Option<Handshakes>,
}

impl Server {
    /// Binds `address`.
    ///
    /// # Errors
    /// When the address can't be bound; the error names it.
    pub(crate) async fn bind(
        address: SocketAddr,
        handshakes: Option<Handshakes>,
    ) -> anyhow::Result<Self> {
        let cannot = || format!("gateway.listen: can't bind {address}");
        let listener = TcpListener::bind(address).await.with_context(cannot)?;
        let address = listener.local_addr().with_context(cannot)?;
        Ok(Self {
            listener,
            address,
            handshakes,
        })
    }

    /// The address that it listens on.
    #[must_use]
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the departure has begun, then lets running requests end, but no longer than `drain`.
    pub(crate) async fn serve(self, router: Router, departure: Departure, drain: Duration) {
        let Departure { announced, begun } = departure;
        let mut router = router.layer(map_response_with_state(announced, let_go));
        if self.handshakes.is_some() {
            router = router.layer(map_request(say_https));
        }
        let connections = TaskTracker::new();
        let begin = |stream, peer: SocketAddr| {
            let router = Extension(Peer(peer.ip())).layer(router.clone());
            let handshakes = self.handshakes.clone();
            connections.spawn(take_in(stream, handshakes, router, begun.clone()));
        };
        loop {
            let accepted = tokio::select! {
                biased;
                () = begun.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => begin(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        while let Ok(Ok((stream, peer))) = timeout(LAST_ACCEPT, self.listener.accept()).await {
            begin(stream, peer);
        }
        drop(self.listener);
        connections.close();
        if timeout(drain, connections.wait()).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "requests were cut off by the drain"
            );
        }
    }
}

/// Has the connection closed behind an answer once the end is announced.
async fn let_go(State(announced): State<CancellationToken>, mut response: Response) -> Response {
    if announced.is_cancelled() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// No front has said how it was spoken to, so the caller spoke to this port.
async fn say_https(mut request: Request) -> Request {
    let scheme = request.headers_mut().entry(FORWARDED_PROTO);
    scheme.or_insert(HeaderValue::from_static("https"));
    request
}

async fn take_in(
    stream: TcpStream,
    handshakes: Option<Handshakes>,
    router: AddExtension<Router, Peer>,
    stop: CancellationToken,
) {
    // Answers are small: waiting to fill a segment only delays them.
    let _ = stream.set_nodelay(true);
    match handshakes {
        None => serve_connection(stream, router, stop).await,
        Some(handshakes) => {
            if let Some(stream) = handshakes.answer(stream).await {
                serve_connection(stream, router, stop).await;
            }
        }
    }
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    router: AddExtension<Router, Peer>,
    stop: CancellationToken,
) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(LARGEST_HEAD)
        // `Content-Type`, as OpenStack's own services write names, for clients that compare them to the
        // letter. Names that are not spelled word by word (`WWW-Authenticate`) become `Www-Authenticate`:
        // hyper has no other spelling, and to HTTP they are the same (RFC 9110, 5.1).
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
