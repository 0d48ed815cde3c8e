//! The ids that tie a request to the one that caused it, in every service's log and trace.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use trace_context::TRACEPARENT;
use tracing::Span;
use uuid::Uuid;

/// OpenStack's global request id (oslo.middleware reads it from every request).
const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");

/// What one request passes on to the services that it causes requests to.
///
/// A client without a context makes a new request id for each request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// `req-` and a UUID.
    pub request_id: Option<String>,
    /// W3C `traceparent` of what causes the requests, for requests that are no spans themselves.
    pub traceparent: Option<String>,
}

impl RequestContext {
    /// A context with a given request id (`req-` and a UUID).
    #[must_use]
    pub fn new(request_id: impl Into<String>, traceparent: Option<String>) -> Self {
        Self {
            request_id: Some(request_id.into()),
            traceparent,
        }
    }

    /// Adds the headers to the request that `span` is about; a value that is no header value is replaced (id) or left out
    /// (trace).
    pub(crate) fn add_to(&self, headers: &mut HeaderMap, span: &Span) {
        let request_id = self
            .request_id
            .as_deref()
            .and_then(|id| HeaderValue::from_str(id).ok())
            .unwrap_or_else(new_request_id);
        headers.insert(REQUEST_ID, request_id);
        if let Some(traceparent) = self
            .traceparent
            .as_deref()
            .and_then(|value| HeaderValue::from_str(value).ok())
        {
            headers.insert(TRACEPARENT, traceparent);
        }
        trace_context::inject(span, headers);
    }
}

fn new_request_id() -> HeaderValue {
    HeaderValue::from_str(&format!("req-{}", Uuid::new_v4()))
        .expect("`req-` and a UUID are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_an_id_and_only_a_sound_trace() {
        let mut headers = HeaderMap::new();
        RequestContext::new("line\nbreak", Some("bad\r".to_owned()))
            .add_to(&mut headers, &Span::none());
        let id = headers[REQUEST_ID].to_str().expect("text");
        assert!(id.starts_with("req-") && id.len() == 40, "{id}");
        assert!(!headers.contains_key(TRACEPARENT));

        let context = RequestContext::new("req-1", Some("00-a-b-01".to_owned()));
        context.add_to(&mut headers, &Span::none());
        assert_eq!(headers[REQUEST_ID], "req-1");
        assert_eq!(headers[TRACEPARENT], "00-a-b-01");
    }
}
