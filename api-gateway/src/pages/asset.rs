//! A file of `assets/` as it is served: kept by browsers, asked for again each time, and sent only when it has changed.

use std::sync::OnceLock;

use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, StatusCode};
use sha2::{Digest, Sha256};

/// What a page may do: run and apply the files of this gateway, and talk to it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");

/// A file that is embedded in the binary.
pub(super) struct Asset {
    /// Its name, whose end says what it is.
    pub(super) name: &'static str,
    /// What is in it.
    pub(super) text: &'static str,
    etag: OnceLock<String>,
}

/// Embeds the file of this name.
macro_rules! asset {
    ($name:literal) => {
        $crate::pages::asset::Asset::new($name, include_str!(concat!("../assets/", $name)))
    };
}
pub(super) use asset;

impl Asset {
    pub(super) const fn new(name: &'static str, text: &'static str) -> Self {
        Self {
            name,
            text,
            etag: OnceLock::new(),
        }
    }

    /// The file, or 304 when the browser has it.
    pub(super) fn answer(&self, request: &HeaderMap) -> Response {
        let etag = self.etag.get_or_init(|| etag_of(self.text));
        let headers = [
            (ETAG, etag.as_str()),
            (CACHE_CONTROL, "no-cache"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
            (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
            (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
        ];
        if is_known(request, etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let media_type = [(CONTENT_TYPE, self.media_type())];
        (headers, media_type, self.text).into_response()
    }

    fn media_type(&self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("html") => "text/html; charset=UTF-8",
            Some("css") => "text/css; charset=UTF-8",
            Some("js") => "text/javascript; charset=UTF-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=UTF-8",
        }
    }
}

fn etag_of(text: &str) -> String {
    let digest = Sha256::digest(text);
    let hex: String = digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{hex}\"")
}

/// Whether one of the tags that the browser has is this one (RFC 9110, 13.1.2: compared weakly).
fn is_known(request: &HeaderMap, etag: &str) -> bool {
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_has_is_not_sent_again() {
        let asset = Asset::new("a.css", "p { margin: 0 }");
        let first = asset.answer(&HeaderMap::new());
        assert_eq!(first.status(), 200);
        assert_eq!(first.headers()[CONTENT_TYPE], "text/css; charset=UTF-8");
        let tag = first.headers()[ETAG].clone();
        for (given, status) in [
            (tag.clone(), 304),
            ("\"other\"".parse().expect("a tag"), 200),
        ] {
            let request = HeaderMap::from_iter([(IF_NONE_MATCH, given)]);
            let answer = asset.answer(&request);
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()[ETAG], tag);
            assert!(answer.headers().contains_key(CONTENT_SECURITY_POLICY));
        }
        let listed = format!("\"other\", W/{}", tag.to_str().expect("text"));
        let request = HeaderMap::from_iter([(IF_NONE_MATCH, listed.parse().expect("a value"))]);
        assert_eq!(asset.answer(&request).status(), 304);
    }
}
