//! Addresses in answers: absolute, and in the terms in which the caller came.

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use serde::Serialize;
use utoipa::ToSchema;

use crate::fault::Fault;

/// The address behind which a caller sees the gateway: what it called in `Host`, and the scheme that
/// a front says it spoke. A front must pass `Host` on; `X-Forwarded-Host` is not believed, because most
/// fronts let a caller's own through, and clients send their token where version documents point to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl(String);

/// A link to a thing in one of its representations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Link {
    /// `self`, `bookmark` (without the version), `alternate` (at the image service) or `next`.
    rel: &'static str,
    /// The address.
    href: String,
    /// The media type of an `alternate`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

// === impl BaseUrl ===

impl BaseUrl {
    /// The base of the request with these parts.
    ///
    /// # Errors
    /// [`Fault::BadRequest`] without a usable `Host`, which HTTP demands (RFC 9112, 3.2).
    pub(crate) fn of(parts: &Parts) -> Result<Self, Fault> {
        let header = |name: &str| parts.headers.get(name)?.to_str().ok();
        let host = header(HOST.as_str()).or_else(|| Some(parts.uri.authority()?.as_str()));
        let host: Authority = host.and_then(|host| host.parse().ok()).ok_or_else(|| {
            Fault::BadRequest("The Host header is missing or malformed.".to_owned())
        })?;
        // Of a chain of fronts, the first in the list is the one that the caller spoke to.
        let schemes = header("x-forwarded-proto").and_then(|list| list.split(',').next());
        let scheme = match schemes.map(str::trim) {
            Some(proto) if proto.eq_ignore_ascii_case("https") => "https",
            Some(_) | None => "http",
        };
        Ok(Self(format!("{scheme}://{host}")))
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Link ===

impl Link {
    /// A link of an answer of the compute API.
    pub(crate) fn new(rel: &'static str, href: String) -> Self {
        Self {
            rel,
            href,
            kind: None,
        }
    }

    /// The same link, to something of this media type.
    pub(crate) fn of_type(self, kind: &'static str) -> Self {
        Self {
            kind: Some(kind),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(headers: &[(&str, &str)]) -> Result<String, Fault> {
        let mut request = http::Request::get("/v2/p/images");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        BaseUrl::of(&parts).map(|base| base.to_string())
    }

    #[test]
    fn the_base_is_what_the_caller_called() {
        let host = ("host", "192.168.56.250:8774");
        assert_eq!(base(&[host]).as_deref(), Ok("http://192.168.56.250:8774"));
        let https = ("x-forwarded-proto", "HTTPS");
        assert_eq!(
            base(&[host, https]).as_deref(),
            Ok("https://192.168.56.250:8774")
        );
        let chain = [
            ("host", "compute.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https, http"),
        ];
        assert_eq!(base(&chain).as_deref(), Ok("https://compute.example"));
        let odd = ("x-forwarded-proto", "javascript");
        assert_eq!(
            base(&[host, odd]).as_deref(),
            Ok("http://192.168.56.250:8774")
        );
        for host in ["", "a b", "a/b"] {
            assert!(
                matches!(base(&[("host", host)]), Err(Fault::BadRequest(_))),
                "{host}"
            );
        }
        assert!(matches!(base(&[]), Err(Fault::BadRequest(_))));
    }
}
