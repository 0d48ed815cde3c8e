//! Writing an image's data (`PUT /v2/images/{id}/file`), in one stream of a known length.
//!
//! Never chunked: with a length Glance checks the quota before the first byte, and uwsgi resets
//! connections on large chunks. No `Expect`: uwsgi never answers it. The count of bytes is checked
//! here, for Glance would make an image of a body that ends early through a front.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use domain::ImageId;
use futures::TryFutureExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::Instrument;

use super::{Glance, Writes};
use crate::Error;
use crate::error::chain;
use crate::http_client::{AUTH_TOKEN, secret_header};
use crate::request_span::{answered, failed, request_span};

/// Glance 33 compares it with the bytes that came; older ones ignore it.
const IMAGE_SIZE: HeaderName = HeaderName::from_static("x-openstack-image-size");

/// A body of an exact length, which tells when it has been handed over whole.
struct Counted<B> {
    body: B,
    remaining: u64,
    size: u64,
    /// The frame that completes the size: sent only once the body has ended with it.
    last: Option<Frame<Bytes>>,
    failure: Arc<Mutex<Option<String>>>,
    all_sent: watch::Sender<bool>,
}

impl Writes<'_> {
    /// Uploads `size` bytes (at least one) into a queued image and waits until Glance has stored them.
    ///
    /// An answer that comes before the body has been sent is returned as what it is. Nothing limits
    /// the time that the body takes: whoever makes it knows what a stall is. Dropping the future closes
    /// the connection, and Glance sets the image back to `queued`.
    ///
    /// A body cannot be sent twice, so a refused service token is only forgotten here: the next try
    /// gets a new one.
    ///
    /// # Errors
    /// [`Error::UploadBody`] when the body fails or has another length, [`Error::Conflict`] when the
    /// image is not queued, [`Error::TooLarge`] for a quota, [`Error::Gone`] and [`Error::NotFound`] when
    /// it was deleted, [`Error::Interrupted`] when the connection breaks, [`Error::Timeout`] when Glance
    /// has all bytes and gives no answer.
    pub async fn upload<B>(&self, id: ImageId, size: u64, body: B) -> Result<(), Error>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if size == 0 {
            // Glance would make an active image of 0 bytes.
            return Err(Error::UploadBody("there are no bytes to send".to_owned()));
        }
        let glance = self.glance;
        let pass = glance.pass().await?;
        let url = glance.at(&["v2", "images", &id.to_string(), "file"])?;
        let failure = Arc::default();
        let (all_sent, sent) = watch::channel(false);
        let mut request = Request::new(Counted {
            body,
            remaining: size,
            size,
            last: None,
            failure: Arc::clone(&failure),
            all_sent,
        });
        *request.method_mut() = Method::PUT;
        let headers = request.headers_mut();
        headers.insert(AUTH_TOKEN, secret_header(pass.secret())?);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
        headers.insert(IMAGE_SIZE, HeaderValue::from(size));
        let span = request_span(&Method::PUT, &url);
        span.record("http.request.body.size", size);
        glance.http.context().add_to(headers, &span);

        let permit = self.gate.permit().map_err(Error::from);
        let exchange = glance.http.dialer().exchange(&url, request, permit);
        let answer = tokio::select! {
            answer = exchange.instrument(span.clone()) => answer,
            () = glance.commit_overdue(sent.clone()) => Err(Error::Timeout("Glance stored an upload")),
        };
        let answer = answer.map_err(|error| {
            let body_failure = failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            body_failure.map_or(error, Error::UploadBody)
        });
        let (response, mut driver) = answer.inspect_err(|error| failed(&span, error))?;
        answered(&span, response.status());
        if response.status().is_success() {
            return match *sent.borrow() {
                true => Ok(()),
                false => Err(Error::Malformed(
                    "an upload was acknowledged before it was sent".to_owned(),
                )),
            };
        }
        let error = driver.drive(glance.http.refusal(response)).await;
        if matches!(error, Error::Unauthorized(_)) {
            glance.renew(&pass);
        }
        Err(error)
    }
}

impl Glance {
    /// Ends when all bytes were sent too long ago; never before they were.
    async fn commit_overdue(&self, mut sent: watch::Receiver<bool>) {
        if sent.wait_for(|sent| *sent).await.is_err() {
            // The body is gone unsent: the exchange ends by itself, with the reason.
            std::future::pending::<()>().await;
        }
        sleep(self.http.settings().commit_timeout).await;
    }
}

impl<B> Counted<B> {
    fn fail(&mut self, reason: String) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.clone());
        Poll::Ready(Some(Err(Error::UploadBody(reason))))
    }
}

impl<B> Body for Counted<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if *this.all_sent.borrow() {
            return Poll::Ready(None);
        }
        loop {
            match std::task::ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                    let Some(remaining) = this.remaining.checked_sub(length) else {
                        let size = this.size;
                        return this.fail(format!("more than the announced {size} bytes"));
                    };
                    this.remaining = remaining;
                    if remaining > 0 {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    if length > 0 {
                        this.last = Some(frame);
                    }
                }
                Some(Err(error)) => {
                    let error = error.into();
                    return this.fail(chain(error.as_ref()));
                }
                None if this.remaining > 0 => {
                    let (size, sent) = (this.size, this.size - this.remaining);
                    return this.fail(format!("{sent} instead of the announced {size} bytes"));
                }
                None => {
                    this.all_sent.send_replace(true);
                    return Poll::Ready(this.last.take().map(Ok));
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let held = self
            .last
            .as_ref()
            .and_then(Frame::data_ref)
            .map_or(0, Bytes::len);
        SizeHint::with_exact(self.remaining + held as u64)
    }
}
