//! In which of three styles a fault reads: clients of each API understand only their own.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::{Fault, backup, compute, text};
use crate::api::Api;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");

/// The layer that writes the body of every answer that is a [`Fault`].
pub(crate) async fn in_style(request: Request, next: Next) -> Response {
    let api = Api::of(request.uri().path());
    let mut response = next.run(request).await;
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        let (media_type, body) = render(api, &fault);
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        *response.body_mut() = Body::from(body);
    }
    response
}

fn render(api: Api, fault: &Fault) -> (HeaderValue, String) {
    match api {
        Api::CopyJobs | Api::Other => (TEXT, text::body(fault)),
        Api::Images => (JSON, compute::body(fault)),
        Api::Plans => (JSON, backup::body(fault)),
    }
}
