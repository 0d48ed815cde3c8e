//! The span of one HTTP request to Keystone or Glance, with the names of OpenTelemetry's conventions for HTTP clients
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).
//!
//! Of an address only scheme, host, port and path are told: a query can hold names of users, and a user part a password.

use http::{Method, StatusCode};
use tracing::field::Empty;
use tracing::{Span, info_span};
use url::Url;

use crate::Error;

/// The shortest segment of a path that may be an id: 32 hex digits.
const SHORTEST_ID: usize = 32;

/// A span of a request that is about to be sent.
pub(crate) fn request_span(method: &Method, url: &Url) -> Span {
    let template = template(url.path());
    info_span!(
        "http request",
        otel.name = format!("{method} {template}"),
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = method.as_str(),
        http.request.body.size = Empty,
        http.response.status_code = Empty,
        url.full = format!("{}{}", url.origin().ascii_serialization(), url.path()),
        url.template = template,
        server.address = url.host_str(),
        server.port = url.port_or_known_default(),
        error.r#type = Empty,
    )
}

/// The answer's head has come.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_client_error() || status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", status.as_str());
    }
}

/// There is no answer.
pub(crate) fn failed(span: &Span, error: &Error) {
    let kind = match error {
        Error::Timeout(_) => "timeout",
        Error::Unreachable(_) => "unreachable",
        Error::Interrupted(_) => "interrupted",
        Error::UploadBody(_) => "upload_body",
        Error::Withheld(_) => "withheld",
        // What an answer says is told with its status.
        _ => return,
    };
    span.record("otel.status_code", "ERROR");
    span.record("error.type", kind);
}

/// The path with `{id}` in the place of each id, so that there are few of them.
fn template(path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        let is_hex = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
        if segment.len() >= SHORTEST_ID && segment.bytes().all(is_hex) {
            "{id}"
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_do_not_make_names_of_their_own() {
        for (path, expected) in [
            (
                "/v2/images/0b329129-b350-4c5f-9e4c-6a2b7f1c2d3e/file",
                "/v2/images/{id}/file",
            ),
            (
                "/v3/projects/0123456789abcdef0123456789abcdef",
                "/v3/projects/{id}",
            ),
            ("/v2/schemas/image", "/v2/schemas/image"),
            ("/", "/"),
        ] {
            assert_eq!(template(path), expected);
        }
    }
}
