//! A connection of its own for each transfer of image bytes.
//!
//! Its owner holds it for as long as the transfer goes on; dropping it resets the connection, which is
//! how a download is given up and how Glance learns that an upload was: a mere close would reach a slow
//! reader behind everything that the sockets hold, megabytes later.

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use tokio::task::JoinSet;
use url::{Position, Url};

use crate::Error;
use crate::connector::{Connector, timed_out};
use crate::early_answer::EarlyAnswer;
use crate::error::chain;

/// Fewer, larger reads: measured at half the CPU time of hyper's adaptive buffer.
const READ_BUFFER: usize = 1024 * 1024;

/// Opens a connection for each exchange.
#[derive(Debug)]
pub(crate) struct Dialer {
    connector: Connector,
}

/// The task that moves a connection's bytes; aborted (and the socket closed) when dropped.
#[derive(Debug)]
pub(crate) struct Driver {
    _task: JoinSet<()>,
}

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
        mut request: Request<B>,
        permit: impl Future<Output = Result<(), Error>>,
    ) -> Result<(Response<Incoming>, Driver), Error>
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
        let (mut sender, connection) = http1::Builder::new()
            .read_buf_exact_size(Some(READ_BUFFER))
            .handshake(EarlyAnswer::new(stream))
            .await
            .map_err(|error| Error::Unreachable(chain(&error)))?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = connection.await {
                // The side that uses the connection gets the error, too, and tells what it means.
                tracing::debug!(error = %chain(&error), "transfer connection ended");
            }
        });

        let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort])
            .map_err(|_| Error::Malformed("an address without a usable host".to_owned()))?;
        request.headers_mut().insert(HOST, host);
        *request.uri_mut() = url[Position::BeforePath..Position::AfterQuery]
            .parse()
            .map_err(|_| Error::Malformed("an address without a usable path".to_owned()))?;
        permit.await?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| Error::Interrupted(chain(&error)))?;
        Ok((response, Driver { _task: task }))
    }
}
