//! The name of a request: made here for every request, shown in every answer and log line, and sent
//! on to Keystone and Glance so that their logs can be joined with ours.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header of answers, and of requests that carry a global id.
pub(crate) const X_OPENSTACK_REQUEST_ID: HeaderName =
    HeaderName::from_static("x-openstack-request-id");
/// The header by which the compute API's answers carry it, too.
pub(crate) const X_COMPUTE_REQUEST_ID: HeaderName = HeaderName::from_static("x-compute-request-id");

const PREFIX: &str = "req-";

/// `req-` and a UUID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(Uuid);

/// The ids of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestIds {
    /// Made here; the one in the answer.
    pub own: RequestId,
    /// Sent by the caller to join the logs of several services.
    pub global: Option<RequestId>,
}

impl RequestIds {
    /// A new id for a request with these headers. What the caller sent counts only when it is
    /// well-formed, so that nobody can write into our logs.
    #[must_use]
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            own: RequestId(Uuid::new_v4()),
            global: headers
                .get(X_OPENSTACK_REQUEST_ID)
                .and_then(|value| value.to_str().ok())
                .and_then(RequestId::parse),
        }
    }

    /// The id that goes on to other services: the caller's, else our own.
    #[must_use]
    pub(crate) fn onward(&self) -> &RequestId {
        self.global.as_ref().unwrap_or(&self.own)
    }
}

impl RequestId {
    /// The form that oslo's middleware accepts: `req-` and a UUID with dashes.
    fn parse(text: &str) -> Option<Self> {
        let uuid = text.strip_prefix(PREFIX)?;
        (uuid.len() == uuid::fmt::Hyphenated::LENGTH)
            .then(|| Uuid::try_parse(uuid).ok().map(Self))
            .flatten()
    }

    /// The id as a header value.
    #[must_use]
    pub(crate) fn header_value(&self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("letters, digits and dashes only")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(sent: &'static str) -> RequestIds {
        let headers =
            HeaderMap::from_iter([(X_OPENSTACK_REQUEST_ID, HeaderValue::from_static(sent))]);
        RequestIds::of(&headers)
    }

    #[test]
    fn a_well_formed_id_of_the_caller_goes_on() {
        let ids = ids("req-3712f1be-48c3-4502-b1d8-9b083f978731");
        assert_eq!(
            ids.onward().to_string(),
            "req-3712f1be-48c3-4502-b1d8-9b083f978731"
        );
        assert_ne!(ids.onward(), &ids.own);
    }

    #[test]
    fn anything_else_is_ignored() {
        for sent in [
            "",
            "3712f1be-48c3-4502-b1d8-9b083f978731",
            "req-3712f1be48c34502b1d89b083f978731",
            "req-nonsense",
            "req-3712f1be-48c3-4502-b1d8-9b083f978731 job.id=forged",
        ] {
            let ids = ids(sent);
            assert_eq!(ids.global, None, "{sent}");
            assert_eq!(ids.onward(), &ids.own);
        }
    }
}
