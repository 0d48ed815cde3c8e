//! The HTTP/1.1 server: accepts, limits what a connection may cost, drains.
//!
//! Written out instead of `axum::serve`, which has no limit on how long a client may take to send a
//! request's head and none on how long a drain may wait.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a connection may be idle, or take to send a request's head. Longer than fronts keep idle
/// connections (nginx: 60 s), so that they close first and never write into a closing connection.
const HEAD_PATIENCE: Duration = Duration::from_secs(75);
/// A request's head with the longest token fits twice.
const LARGEST_HEAD: usize = 64 * 1024;
/// Pause after a failed accept: without file descriptors the next would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The public port, bound but not yet serving.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds `address`.
    ///
    /// # Errors
    /// When the address can't be bound; the error names it.
    pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let cannot = || format!("gateway.listen: can't bind {address}");
        let listener = TcpListener::bind(address).await.with_context(cannot)?;
        let address = listener.local_addr().with_context(cannot)?;
        Ok(Self { listener, address })
    }

    /// The address that it listens on.
    #[must_use]
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is cancelled, then lets running requests end, but no longer than `drain`.
    pub(crate) async fn serve(self, router: Router, stop: CancellationToken, drain: Duration) {
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, router.clone(), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
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

async fn serve_connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    // Answers are small: waiting to fill a segment only delays them.
    let _ = stream.set_nodelay(true);
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
