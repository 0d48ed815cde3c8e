//! Reads what a caller is still sending when its request is answered already.
//!
//! A connection that is closed with bytes unread is reset (RFC 9112, section 9.6), and the answer is
//! lost with it: a caller that sends a large body with a bad token would see a broken connection, or
//! its front a 502, in place of the 401. So the rest of a body is read and dropped, within bounds.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

/// The most that is read and dropped. Whoever sends more learns it from a closed connection.
const DROPPED_BYTES: usize = 16 * 1024 * 1024;

/// How long a caller may take to send it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers, and before the answer goes out reads what the handler has left of the body.
pub(super) async fn drop_unread(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = SharedBody(Arc::new(Mutex::new(body)));
    let rest = body.clone();
    let response = next.run(Request::from_parts(parts, Body::new(body))).await;
    let mut rest = Limited::new(rest, DROPPED_BYTES);
    let dropping = async { while let Some(Ok(_)) = rest.frame().await {} };
    // Whether it comes to its end makes no difference to the answer.
    let _ = timeout(PATIENCE, dropping).await;
    response
}

/// A body that can be read on after the handler is done with it.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<Body>>);

impl SharedBody {
    fn lock(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl http_body::Body for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.lock()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().size_hint()
    }
}
