//! How connections are made: the one place that knows of sockets and TLS.
//!
//! Who wants another way (a program that tests itself without a network) brings a [`Connector`] of
//! its own; everything above it stays as it is.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

use crate::Resolver;
use crate::tls::Trust;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Opens connections to addresses; cheap to clone.
#[derive(Debug, Clone)]
pub struct Connector(Dial);

/// A connector as an HTTP client takes it.
pub(crate) type Dial = BoxCloneSyncService<Uri, Stream, BoxError>;

/// What becomes of a socket that is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parting {
    /// The other side gets what was sent, and then learns of the end.
    Close,
    /// The other side learns of the end at once; what it has not read yet is lost.
    Reset,
}

/// A connection, whatever it is made of.
pub(crate) struct Stream(Box<dyn Pipe>);

trait Pipe: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Pipe for T {}

// === impl Connector ===

impl Connector {
    /// Any other way to connect.
    #[must_use]
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Uri> + Clone + Send + Sync + 'static,
        S::Response: Read + Write + Send + Unpin + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        let streams = service
            .map_response(|stream| Stream(Box::new(stream)))
            .map_err(Into::into);
        Self(Dial::new(streams))
    }

    /// TCP, and TLS where the address says so; both together take no longer than `patience`.
    pub(crate) fn sockets(
        resolver: Resolver,
        trust: Trust,
        patience: Duration,
        parting: Parting,
    ) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver.into_service());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self::new(tower::service_fn(move |target: Uri| {
            let sockets = HttpsConnectorBuilder::new()
                .with_tls_config(trust.client())
                .https_or_http()
                .enable_http1()
                .wrap_connector(tcp.clone());
            let connect = sockets.oneshot(target);
            async move {
                let connected = timeout(patience, connect).await;
                let stream = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                if parting == Parting::Reset {
                    socket_of(&stream).set_zero_linger()?;
                }
                Ok::<_, BoxError>(stream)
            }
        }))
    }

    pub(crate) fn dial(&self) -> Dial {
        self.0.clone()
    }

    /// Connects.
    pub(crate) async fn connect(&self, target: Uri) -> Result<Stream, BoxError> {
        self.dial().oneshot(target).await
    }
}

/// The socket below HTTP and TLS.
fn socket_of(stream: &MaybeHttpsStream<TokioIo<TcpStream>>) -> &TcpStream {
    match stream {
        MaybeHttpsStream::Http(tcp) => tcp.inner(),
        MaybeHttpsStream::Https(tls) => tls.inner().get_ref().0.inner().inner(),
    }
}

/// Whether an error comes of a connection that took too long to be made.
pub(crate) fn timed_out(error: &(dyn StdError + 'static)) -> bool {
    let is_timeout = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    error.downcast_ref().is_some_and(is_timeout) || error.source().is_some_and(timed_out)
}

// === impl Stream ===

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
