//! What a caller gets when all went well: the success codes and their exact headers.
//!
//! Existing clients insist on some of them: a list is a bare array, and a 204 with a Content-Type
//! makes one of them crash. Failures are `fault.rs`'s.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::fault::Fault;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");

/// 200 with a JSON document.
#[derive(Debug)]
pub(crate) struct Document<T>(pub T);

/// 200 with a JSON array and, when another page follows, the link to it (RFC 8288).
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// The documents of this page.
    pub items: Vec<T>,
    /// Path and query of the next page.
    pub next: Option<String>,
}

/// 201 with a JSON document: it is there now.
#[derive(Debug)]
pub(crate) struct Created<T>(pub T);

/// 202 with a JSON document: the work is accepted and will be done later.
#[derive(Debug)]
pub(crate) struct Accepted<T>(pub T);

/// 204: done, and nothing to say, not even a Content-Type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoContent;

impl<T: Serialize> IntoResponse for Document<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let mut response = json(StatusCode::OK, &self.items);
        let link = self
            .next
            .map(|target| HeaderValue::try_from(format!("<{target}>; rel=\"next\"")));
        match link {
            Some(Ok(link)) => {
                response.headers_mut().insert(LINK, link);
                response
            }
            Some(Err(error)) => Fault::internal(&error).into_response(),
            None => response,
        }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        json(StatusCode::CREATED, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        json(StatusCode::ACCEPTED, &self.0)
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(CONTENT_TYPE, JSON)], body).into_response(),
        Err(error) => Fault::internal(&error).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_answer_has_no_content_type() {
        let response = NoContent.into_response();
        assert_eq!(response.status(), 204);
        assert!(!response.headers().contains_key(CONTENT_TYPE));
    }

    #[test]
    fn a_page_links_to_the_next_one_only_when_there_is_one() {
        let page = |next: Option<&str>| Page {
            items: vec![1, 2],
            next: next.map(ToOwned::to_owned),
        };
        let response = page(Some("/jobs?marker=2")).into_response();
        assert_eq!(response.headers()[LINK], "</jobs?marker=2>; rel=\"next\"");
        assert_eq!(
            response.headers()[CONTENT_TYPE],
            "application/json; charset=UTF-8"
        );
        assert!(!page(None).into_response().headers().contains_key(LINK));
    }
}
