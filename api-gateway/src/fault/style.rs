//! In which of the three styles a fault reads: the gateway serves three APIs, and clients of each
//! understand only their own. The path alone decides, so that an answer has its API's style whoever
//! gives it: a handler, the router, a limit, a timeout or a panic.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::{Fault, backup, compute, text};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");

/// The layer that writes the body of every answer that is a [`Fault`].
pub(crate) async fn in_style(request: Request, next: Next) -> Response {
    let style = Style::of(request.uri().path());
    let mut response = next.run(request).await;
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        let (media_type, body) = style.render(&fault);
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        *response.body_mut() = Body::from(body);
    }
    response
}

/// How faults read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// The image copy API's plain text; also of paths that belong to none of the three.
    Text,
    /// The compute API's nested JSON, of image details and version documents.
    Compute,
    /// The backup API's title and description, of plans.
    Backup,
}

impl Style {
    fn of(path: &str) -> Self {
        // A slash at the end makes no difference, nor does none at the start.
        let segments: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        match *segments.as_slice() {
            ["v2", "extension", "image_replicator", ..] => Self::Text,
            ["v2", _, "jobs", ..] => Self::Backup,
            [] | ["v2.1", ..] | ["v2"] | ["v2", _] | ["v2", _, "images", ..] => Self::Compute,
            _ => Self::Text,
        }
    }

    fn render(self, fault: &Fault) -> (HeaderValue, String) {
        match self {
            Self::Text => (TEXT, text::body(fault)),
            Self::Compute => (JSON, compute::body(fault)),
            Self::Backup => (JSON, backup::body(fault)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_decides() {
        for (style, paths) in [
            (
                Style::Text,
                &[
                    "/v2/extension/image_replicator/jobs",
                    "/v2/extension/image_replicator",
                    "/v2/extension/image_replicator/images",
                    "/openapi.json",
                    "/v2/p/servers",
                    "/v2/p/image",
                    "/v3",
                ][..],
            ),
            (
                Style::Compute,
                &[
                    "/",
                    "/v2",
                    "/v2/",
                    "/v2/p",
                    "/v2/p/",
                    "/v2/p/images",
                    "/v2/p/images/",
                    "/v2/p/images/i/metadata/k",
                    "/v2/extension",
                    "/v2.1",
                    "/v2.1/",
                    "/v2.1/p/images/detail",
                    "/v2.1/p/servers",
                ],
            ),
            (
                Style::Backup,
                &[
                    "/v2/p/jobs",
                    "/v2/p/jobs/",
                    "/v2/p/jobs/j/event",
                    "/v2/extension/jobs",
                ],
            ),
        ] {
            for path in paths {
                assert_eq!(Style::of(path), style, "{path}");
            }
        }
    }
}
