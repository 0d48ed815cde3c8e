//! What happens to every request, whatever its route, from the outside in:
//!
//! 1. [`identify`]: the request gets its id and its deadline, the answer its `X-OpenStack-Request-Id`
//!    and, in the compute API, the same under that API's name.
//!    Outermost, so that even the answer to a panic can be found in the log.
//! 2. [`observe`]: one span, one log line and one count. Outside of everything that may answer in a
//!    handler's place, so that it sees what the caller sees.
//! 3. [`audit`]: one line in the audit trail for what would change something. For the same reason.
//! 4. [`in_style`]: faults get their body, in the style of the API that the path belongs to. Outside of
//!    everything that may answer with a fault.
//! 5. Panics become a 500. Inside of 1, 2 and 3: they must not be lost with the handler.
//! 6. [`name_keystone`]: every 401 names the Keystone to get a token from.
//! 7. [`drop_unread`]: the rest of a body that is answered before it was read. Outside of the
//!    deadline, which may be what answered.
//! 8. [`hold_to_deadline`]: the backstop for a handler that outlives the request's deadline. Innermost,
//!    so that what it gives up is only the handler. An event stream is not cut: its handler ends when
//!    the stream begins.
//!
//! Tokens are validated and bodies limited where handlers ask for them (`extract.rs`), because the
//! order of those checks is part of the API.

mod audit;
mod observe;
mod unread;

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::time::{Duration, timeout_at};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::Api;
use crate::app::App;
use crate::fault::{self, Fault, in_style};
use crate::request_id::{RequestIds, X_COMPUTE_REQUEST_ID, X_OPENSTACK_REQUEST_ID};
use crate::scope::Scope;
use audit::audit;
use observe::observe;
use unread::drop_unread;

pub(crate) use audit::Operations;

/// The code of requests whose caller went away before the answer, in logs and metrics only. nginx
/// writes the same.
const CLIENT_WENT_AWAY: u16 = 499;

/// How long after the deadline a handler may still tell what it knows.
const GRACE: Duration = Duration::from_secs(1);

/// Puts the layers around the routes.
pub(crate) fn around(router: Router, app: &Arc<App>) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(app.clone(), identify))
            .layer(from_fn_with_state(app.clone(), observe))
            .layer(from_fn_with_state(app.clone(), audit))
            .layer(from_fn(in_style))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn_with_state(app.clone(), name_keystone))
            .layer(from_fn(drop_unread))
            .layer(from_fn(hold_to_deadline)),
    )
}

async fn identify(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let ids = RequestIds::of(request.headers());
    let own = ids.own.header_value();
    let is_compute = Api::of(request.uri().path()) == Api::Images;
    request
        .extensions_mut()
        .insert(Scope::new(ids, app.request_deadline));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if is_compute {
        headers.insert(X_COMPUTE_REQUEST_ID, own.clone());
    }
    headers.insert(X_OPENSTACK_REQUEST_ID, own);
    response
}

async fn name_keystone(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    fault::add_challenge(next.run(request).await, &app.challenge)
}

async fn hold_to_deadline(scope: Scope, request: Request, next: Next) -> Response {
    match timeout_at(scope.deadline() + GRACE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Fault::unavailable("The request took too long. Try again later.").into_response(),
    }
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "the signature is tower-http's"
)]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    tracing::error!(panic = text, "a handler panicked");
    Fault::Internal.into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn answer_to(path: &str) -> Response {
        let panics = get(async || -> &'static str { panic!("a defect") });
        let layers = ServiceBuilder::new()
            .layer(from_fn(in_style))
            .layer(CatchPanicLayer::custom(panicked));
        let router: Router = Router::new().route("/{*path}", panics).layer(layers);
        let request = Request::get(path).body(Body::empty()).expect("a request");
        router.oneshot(request).await.expect("infallible")
    }

    #[tokio::test]
    async fn a_panic_is_a_500_in_the_style_of_its_path() {
        for (path, media_type) in [
            (
                "/v2/extension/image_replicator/jobs",
                "text/plain; charset=UTF-8",
            ),
            ("/v2/p/images", "application/json; charset=UTF-8"),
            ("/v2/p/jobs/", "application/json; charset=UTF-8"),
        ] {
            let response = answer_to(path).await;
            assert_eq!(response.status(), 500);
            assert_eq!(response.headers()["content-type"], media_type);
        }
    }
}
