//! The request body, whole, within its limit and its time.

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::{Duration, Instant, timeout_at};

use crate::fault::Fault;

/// A caller that needs longer for a few kilobytes holds a connection for nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// [`Fault::BodyTooLarge`], [`Fault::TooSlow`], and [`Fault::BadRequest`] when it breaks off.
pub(crate) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    deadline: Instant,
) -> Result<Bytes, Fault> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let fits = |length: u64| usize::try_from(length).is_ok_and(|length| length <= limit);
    if announced.is_some_and(|length| !fits(length)) {
        return Err(Fault::BodyTooLarge { limit });
    }
    let deadline = deadline.min(Instant::now() + PATIENCE);
    let whole = Limited::new(body, limit).collect();
    match timeout_at(deadline, whole).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Fault::BodyTooLarge { limit }),
        Ok(Err(_)) => Err(Fault::BadRequest("The request body broke off.".to_owned())),
        Err(_) => Err(Fault::TooSlow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(body: Body, announced: Option<&str>) -> Result<Bytes, Fault> {
        let headers = announced
            .map(|length| (CONTENT_LENGTH, length.parse().expect("a header value")))
            .into_iter()
            .collect();
        read_body(&headers, body, 8, Instant::now() + PATIENCE).await
    }

    #[tokio::test]
    async fn a_body_may_reach_its_limit_and_no_further() {
        assert_eq!(
            read(Body::from("12345678"), None).await,
            Ok(Bytes::from("12345678"))
        );
        let too_large = Err(Fault::BodyTooLarge { limit: 8 });
        assert_eq!(read(Body::from("123456789"), None).await, too_large);
        assert_eq!(read(Body::empty(), Some("9")).await, too_large);
        assert_eq!(
            read(Body::empty(), Some("99999999999999999999")).await,
            Ok(Bytes::new())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let never = Body::from_stream(futures::stream::pending::<Result<Bytes, axum::Error>>());
        assert_eq!(read(never, None).await, Err(Fault::TooSlow));
    }
}
