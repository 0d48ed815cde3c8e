//! Only the dashboard's own page may use these endpoints from a browser.
//!
//! There is no cookie that another site's page could borrow, and a body of JSON cannot be sent across origins unasked. This is
//! one lock more: a browser says of each request where the page comes from that makes it (Fetch Metadata,
//! <https://www.w3.org/TR/fetch-metadata/>), and no page can make it say otherwise.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::fault::Fault;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// Refuses what a browser sends for another site; no answer may be kept.
pub(super) async fn require_same_origin(request: Request, next: Next) -> Response {
    let mut response = if is_foreign(request.headers()) {
        Fault::Forbidden("Only the dashboard of this gateway may ask for this.".to_owned())
            .into_response()
    } else {
        next.run(request).await
    };
    response.headers_mut().insert(CACHE_CONTROL, NOT_KEPT);
    response
}

/// Whoever sends no such header is no browser, or one that is too old to be told apart from a script.
fn is_foreign(headers: &HeaderMap) -> bool {
    headers
        .get(SEC_FETCH_SITE)
        .is_some_and(|site| site != "same-origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sites_are_foreign_and_scripts_are_not() {
        for (site, expected) in [
            (None, false),
            (Some("same-origin"), false),
            (Some("same-site"), true),
            (Some("cross-site"), true),
            (Some("none"), true),
        ] {
            let value = site.map(|site| (SEC_FETCH_SITE, HeaderValue::from_static(site)));
            assert_eq!(
                is_foreign(&value.into_iter().collect()),
                expected,
                "{site:?}"
            );
        }
    }
}
