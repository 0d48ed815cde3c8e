//! A connection of its own for each transfer of image bytes.
//!
//! Its owner holds it for as long as the transfer goes on; dropping it resets the connection, which is
//! how a download is given up and how Glance learns that an upload was: a mere close would reach a slow
//! reader behind everything that the sockets hold, megabytes later. Who reads an image in ranges keeps the
//! connections whose range has come whole, for over a long line each new one costs several round trips.
//!
//! Whoever waits for something of a connection drives it meanwhile, so that a copy with all of its connections is one
//! task: it ends as a whole, and what comes on one connection wakes no other task to be sent on another.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use url::{Position, Url};

use crate::Error;
use crate::connector::{Connector, timed_out};
use crate::early_answer::EarlyAnswer;
use crate::error::chain;

/// What a download is read into: large enough that reads are few, small enough that what waits between two sockets stays
/// in the processor's cache.
pub(crate) const READ_BUFFER: usize = 256 * 1024;
/// What the answer to an upload is read into: heads and the words of an error.
const ANSWER_BUFFER: usize = 32 * 1024;

/// The connections of one image's ranges, to one server: each carries the next range when its last one has come
/// whole. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct SpareConnections {
    shared: Arc<Mutex<Spare>>,
}

#[derive(Debug, Default)]
struct Spare {
    idle: Vec<Connection>,
    /// Connections that are being made.
    coming: usize,
    /// One has carried a second range.
    are_kept: bool,
}

/// Counts a connection that is being made, until it is dropped.
struct Coming<'a>(&'a SpareConnections);

/// A connection for requests without a body.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    driver: Driver,
    has_carried: bool,
}

/// Opens a connection for each exchange.
#[derive(Debug)]
pub(crate) struct Dialer {
    connector: Connector,
}

/// What moves a connection's bytes while it is polled; the socket is closed when it is dropped.
pub(crate) struct Driver {
    /// None once the connection has ended.
    connection: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

// === impl SpareConnections ===

impl SpareConnections {
    /// How many wait for their next range, or are being made.
    #[must_use]
    pub fn number(&self) -> usize {
        let spare = self.lock();
        spare.idle.len() + spare.coming
    }

    /// Whether one has carried a second range: then the server is one that keeps connections.
    #[must_use]
    pub fn are_kept(&self) -> bool {
        self.lock().are_kept
    }

    /// Keeps a connection whose exchange is over.
    pub(crate) fn keep(&self, connection: Connection) {
        self.lock().idle.push(connection);
    }

    fn take(&self) -> Option<Connection> {
        self.lock().idle.pop()
    }

    fn lock(&self) -> MutexGuard<'_, Spare> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Coming ===

impl<'a> Coming<'a> {
    fn to(spare: &'a SpareConnections) -> Self {
        spare.lock().coming += 1;
        Self(spare)
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.0.lock().coming -= 1;
    }
}

// === impl Dialer ===

impl Dialer {
    pub(crate) fn new(connector: Connector) -> Self {
        Self { connector }
    }

    /// Sends one request on a new connection and waits for the answer's headers.
    ///
    /// The request goes out when `permit` says so, which is asked once the connection stands.
    ///
    /// The body may still be on its way when they come. The caller sets a limit to the waiting.
    pub(crate) async fn exchange<B>(
        &self,
        url: &Url,
        request: Request<B>,
        permit: impl Future<Output = Result<(), Error>>,
    ) -> Result<(Response<Incoming>, Driver), Error>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let request = addressed(url, request)?;
        let (mut sender, mut driver) = self.open(url, ANSWER_BUFFER).await?;
        permit.await?;
        let response = driver.drive(sender.send_request(request)).await;
        Ok((response.map_err(broken)?, driver))
    }

    /// Sends a request without a body, on a connection that is spare or else on a new one, and waits for the
    /// answer's headers.
    pub(crate) async fn fetch(
        &self,
        url: &Url,
        request: Request<Empty<Bytes>>,
        spare: Option<&SpareConnections>,
    ) -> Result<(Response<Incoming>, Connection), Error> {
        let request = addressed(url, request)?;
        if let Some(spare) = spare {
            while let Some(mut connection) = spare.take() {
                let has_carried = connection.has_carried;
                // The server may have closed it meanwhile: then another is as good, for a GET may be sent twice.
                if let Ok(response) = connection.send(request.clone()).await {
                    spare.lock().are_kept |= has_carried;
                    return Ok((response, connection));
                }
            }
        }
        let mut connection = self.connection(url).await?;
        let response = connection.send(request).await.map_err(broken)?;
        Ok((response, connection))
    }

    /// Makes one more connection that is spare.
    pub(crate) async fn prepare(&self, url: &Url, spare: &SpareConnections) -> Result<(), Error> {
        let coming = Coming::to(spare);
        let connection = self.connection(url).await;
        drop(coming);
        spare.keep(connection?);
        Ok(())
    }

    async fn connection(&self, url: &Url) -> Result<Connection, Error> {
        let (sender, driver) = self.open(url, READ_BUFFER).await?;
        Ok(Connection {
            sender,
            driver,
            has_carried: false,
        })
    }

    async fn open<B>(
        &self,
        url: &Url,
        read_buffer: usize,
    ) -> Result<(SendRequest<B>, Driver), Error>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let target: Uri = url
            .as_str()
            .parse()
            .map_err(|_| Error::Malformed("an address that is no URI".to_owned()))?;
        let connected = self.connector.connect(target).await;
        let stream = connected.map_err(|error| match timed_out(error.as_ref()) {
            true => Error::Timeout("connecting"),
            false => Error::Unreachable(chain(error.as_ref())),
        })?;
        let (sender, connection) = http1::Builder::new()
            .read_buf_exact_size(Some(read_buffer))
            .handshake(EarlyAnswer::new(stream))
            .await
            .map_err(|error| Error::Unreachable(chain(&error)))?;
        let driver = Driver::of(async move {
            if let Err(error) = connection.await {
                // The side that uses the connection gets the error, too, and tells what it means.
                tracing::debug!(error = %chain(&error), "transfer connection ended");
            }
        });
        Ok((sender, driver))
    }
}

// === impl Connection ===

impl Connection {
    async fn send(
        &mut self,
        request: Request<Empty<Bytes>>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        let Self { sender, driver, .. } = self;
        let exchange = async {
            sender.ready().await?;
            sender.send_request(request).await
        };
        let response = driver.drive(exchange).await;
        self.has_carried = true;
        response
    }

    /// To be driven while something of the connection is waited for.
    pub(crate) fn driver(&mut self) -> &mut Driver {
        &mut self.driver
    }
}

// === impl Driver ===

impl Driver {
    fn of(connection: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            connection: Some(Box::pin(connection)),
        }
    }

    /// Waits for something that comes of the connection, and moves its bytes meanwhile.
    pub(crate) async fn drive<T>(&mut self, waiting: impl Future<Output = T>) -> T {
        let mut waiting = pin!(waiting);
        poll_fn(|cx| self.poll_with(cx, |cx| waiting.as_mut().poll(cx))).await
    }

    /// Polls something that comes of the connection, and the connection if there is nothing yet.
    pub(crate) fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if let Poll::Ready(ready) = poll(cx) {
            return Poll::Ready(ready);
        }
        if let Some(connection) = &mut self.connection
            && connection.as_mut().poll(cx).is_ready()
        {
            self.connection = None;
        }
        poll(cx)
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("has_ended", &self.connection.is_none())
            .finish()
    }
}

/// The request as it is written on a connection to the server itself.
fn addressed<B>(url: &Url, mut request: Request<B>) -> Result<Request<B>, Error> {
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort])
        .map_err(|_| Error::Malformed("an address without a usable host".to_owned()))?;
    request.headers_mut().insert(HOST, host);
    *request.uri_mut() = url[Position::BeforePath..Position::AfterQuery]
        .parse()
        .map_err(|_| Error::Malformed("an address without a usable path".to_owned()))?;
    Ok(request)
}

fn broken(error: hyper::Error) -> Error {
    Error::Interrupted(chain(&error))
}
