//! Reading an image's data (`GET /v2/images/{id}/file`), whole or in part.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use domain::ImageId;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderValue, RANGE, RETRY_AFTER};
use http::response::Parts;
use http::{Method, Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio::time::timeout;
use tracing::{Instrument, Span};

use super::{ByteRange, ContentRange, Glance, Pass};
use crate::Error;
use crate::connection::{Connection, READ_BUFFER, SpareConnections};
use crate::error::chain;
use crate::http_client::{AUTH_TOKEN, secret_header};
use crate::request_span::{answered, failed, request_span};

/// A download whose headers have come.
#[derive(Debug)]
pub struct Download {
    /// 200, 206, or 204 when the image has no data yet.
    pub status: StatusCode,
    /// Bytes that follow, when the server said so; Glance does.
    pub length: Option<u64>,
    /// Which part follows; set exactly when the status is 206.
    pub content_range: Option<ContentRange>,
    /// The bytes.
    pub body: DownloadBody,
}

/// The bytes of a download, as they came from the socket: an HTTP body that can be handed on to an
/// upload without copying. Dropping it closes the connection.
///
/// It ends with [`Error::Interrupted`] when the connection breaks before the announced length.
#[derive(Debug)]
pub struct DownloadBody {
    incoming: Incoming,
    /// For the first byte.
    patience: Duration,
    /// None once it is given back.
    connection: Option<Connection>,
    spare: Option<SpareConnections>,
    /// Ends with the body. Boxed, for bodies are moved about.
    _span: Box<Span>,
}

/// Why a download was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadRefused {
    /// What came instead.
    pub error: Error,
    /// How long the server asks to be left alone, when it said so in seconds.
    pub retry_after: Option<Duration>,
}

impl DownloadBody {
    /// A frame of few bytes keeps a buffer of this size alive that it was cut from.
    pub const READ_BUFFER: usize = READ_BUFFER;
}

impl From<Error> for DownloadRefused {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

impl Glance {
    /// Opens a download.
    ///
    /// Check that the image is active first: a range of a queued image makes Glance drop the
    /// connection.
    ///
    /// # Errors
    /// [`Error::RangeIgnored`] when a range was asked for and something else came (a front may have
    /// taken the header away), [`Error::Forbidden`] when the image is deactivated or the token may see
    /// but not read it, [`Error::NotFound`], [`Error::RangeNotSatisfiable`], and any failure to connect.
    pub async fn download(&self, id: ImageId, range: Option<ByteRange>) -> Result<Download, Error> {
        self.open_download(id, range, None)
            .await
            .map_err(|refused| refused.error)
    }

    /// As [`Glance::download`], on one of these connections if any is spare; it is given back when the download
    /// has come whole.
    ///
    /// # Errors
    /// As [`Glance::download`].
    pub async fn open_download(
        &self,
        id: ImageId,
        range: Option<ByteRange>,
        spare: Option<&SpareConnections>,
    ) -> Result<Download, DownloadRefused> {
        let pass = self.pass().await?;
        match self.download_with(&pass, id, range, spare).await {
            Err(refused)
                if matches!(refused.error, Error::Unauthorized(_)) && self.renew(&pass) =>
            {
                let pass = self.pass().await?;
                self.download_with(&pass, id, range, spare).await
            }
            other => other,
        }
    }

    /// Makes one more connection that is spare, so that who needs it does not wait for its round trips. Only for a
    /// server that keeps connections: another one waits for a request that does not come.
    ///
    /// # Errors
    /// Any failure to connect.
    pub async fn prepare_download(&self, spare: &SpareConnections) -> Result<(), Error> {
        self.http.dialer().prepare(&self.url, spare).await
    }

    async fn download_with(
        &self,
        pass: &Pass,
        id: ImageId,
        range: Option<ByteRange>,
        spare: Option<&SpareConnections>,
    ) -> Result<Download, DownloadRefused> {
        let url = self.at(&["v2", "images", &id.to_string(), "file"])?;
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.method_mut() = Method::GET;
        let headers = request.headers_mut();
        headers.insert(AUTH_TOKEN, secret_header(pass.secret())?);
        // An image that is read in ranges has thousands of requests: they are no spans.
        let span = match spare {
            None => request_span(&Method::GET, &url),
            Some(_) => Span::none(),
        };
        self.http.context().add_to(headers, &span);
        if let Some(range) = range {
            let value = HeaderValue::from_str(&range.to_string())
                .map_err(|_| Error::Malformed("a range that is no header".to_owned()))?;
            headers.insert(RANGE, value);
        }
        let patience = self.http.settings().response_timeout;
        let fetch = self.http.dialer().fetch(&url, request, spare);
        let (response, mut connection) = timeout(patience, fetch.instrument(span.clone()))
            .await
            .unwrap_or(Err(Error::Timeout("opening a download")))
            .inspect_err(|error| failed(&span, error))?;
        answered(&span, response.status());
        if !response.status().is_success() {
            return Err(DownloadRefused {
                retry_after: retry_after(response.headers()),
                error: connection.driver().drive(self.http.refusal(response)).await,
            });
        }
        let (head, incoming) = response.into_parts();
        let body = DownloadBody {
            incoming,
            patience,
            connection: Some(connection),
            spare: spare.cloned(),
            _span: Box::new(span),
        };
        Ok(opened(&head, body, range)?)
    }
}

/// Seconds only: a date would have to be held against a clock that may differ from the server's.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse();
    Some(Duration::from_secs(seconds.ok()?))
}

fn opened(head: &Parts, body: DownloadBody, asked: Option<ByteRange>) -> Result<Download, Error> {
    let length = length_of(&head.headers);
    let content_range = match (head.status, asked) {
        (StatusCode::NO_CONTENT, _) | (StatusCode::OK, None) => None,
        (StatusCode::PARTIAL_CONTENT, Some(asked)) => {
            Some(range_of(&head.headers, length, &asked)?)
        }
        (status, Some(asked)) => {
            return Err(Error::RangeIgnored(format!(
                "status {} instead of 206 for {asked}",
                status.as_u16()
            )));
        }
        (status, None) => {
            return Err(Error::Malformed(format!(
                "status {} for a whole download",
                status.as_u16()
            )));
        }
    };
    Ok(Download {
        status: head.status,
        length,
        content_range,
        body,
    })
}

fn length_of(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn range_of(
    headers: &HeaderMap,
    length: Option<u64>,
    asked: &ByteRange,
) -> Result<ContentRange, Error> {
    let range: ContentRange = headers
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::RangeIgnored("status 206 without a Content-Range".to_owned()))?;
    if !range.answers(asked) || length.is_some_and(|length| length != range.length()) {
        return Err(Error::RangeIgnored(format!("{range} for {asked}")));
    }
    Ok(range)
}

// === impl Download ===

impl Download {
    /// Reads one byte at least, or learns why not; the rest is given up.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when the connection breaks before a byte came,
    /// [`Error::Timeout`] when none comes within the time that an answer may take,
    /// [`Error::Malformed`] when the data is empty.
    pub async fn prove_readable(self) -> Result<(), Error> {
        let mut body = self.body;
        let patience = body.patience;
        let first_byte = async {
            while let Some(frame) = body.frame().await {
                if frame?.data_ref().is_some_and(|data| !data.is_empty()) {
                    return Ok(());
                }
            }
            Err(Error::Malformed("the image has no data".to_owned()))
        };
        timeout(patience, first_byte)
            .await
            .unwrap_or(Err(Error::Timeout("reading the first byte of an image")))
    }
}

// === impl DownloadBody ===

impl Body for DownloadBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let mut next = |cx: &mut Context<'_>| Pin::new(&mut this.incoming).poll_frame(cx);
        let frame = std::task::ready!(match &mut this.connection {
            Some(connection) => connection.driver().poll_with(cx, next),
            None => next(cx),
        });
        if frame.is_none()
            && let Some(spare) = this.spare.take()
            && let Some(connection) = this.connection.take()
        {
            spare.keep(connection);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|error| Error::Interrupted(chain(&error)))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
