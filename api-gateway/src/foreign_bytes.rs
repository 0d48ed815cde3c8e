//! What the gateway makes of bytes that anybody may send, for tests that make such bytes up.

use crate::copy_request::CopyRequest;
use crate::images::ImageQuery;
use crate::list_query::ListQuery;
use crate::plans::{PlanDraft, PlanListQuery, Search, event_request};

/// What a parser says: what it understood, or what the caller is told.
pub type Verdict = Result<String, String>;

fn verdict<T: std::fmt::Debug, E: std::fmt::Display>(parsed: Result<T, E>) -> Verdict {
    match parsed {
        Ok(value) => Ok(format!("{value:?}")),
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// Each body's parser with its verdict on these bytes.
pub fn bodies(bytes: &[u8]) -> [(&'static str, Verdict); 4] {
    [
        ("a copy", verdict(CopyRequest::parse(bytes))),
        ("a plan", verdict(PlanDraft::parse(bytes))),
        ("an event", verdict(event_request::parse(bytes))),
        ("a filter", verdict(Search::parse(bytes))),
    ]
}

/// Each query's parser with its verdict on this text.
pub fn queries(text: &str) -> [(&'static str, Verdict); 3] {
    [
        ("jobs", verdict(ListQuery::parse(text))),
        ("images", verdict(ImageQuery::parse(text))),
        ("plans", verdict(PlanListQuery::parse(text))),
    ]
}

/// The digest that stands beside an Idempotency-Key, if the bytes are a copy request.
#[must_use]
pub fn digest_of_copy(bytes: &[u8]) -> Option<String> {
    CopyRequest::parse(bytes)
        .ok()
        .map(|request| request.digest())
}
