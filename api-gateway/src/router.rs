//! Every route. The API document is made from the same lines, so neither can miss the other. The pages for people, and what the
//! dashboard alone asks for, are no part of it.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::Method;
use http::header::CONTENT_TYPE;
use tower::Layer;
use tower_http::normalize_path::NormalizePathLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::copy_jobs;
use crate::dashboard;
use crate::fault::Fault;
use crate::images;
use crate::middleware::{self, Operations};
use crate::openapi::{ApiDocument, close};
use crate::pages;
use crate::plans;
use crate::versions;

/// The whole public API, with what surrounds every request.
pub(crate) fn router(app: Arc<App>) -> Router {
    let (router, _) = documented_routes().split_for_parts();
    let router = router
        .merge(pages::routes())
        .merge(dashboard::routes())
        // Before the layers, so that they surround these answers as well.
        .fallback(async || Fault::NotFound("There is nothing at this path.".to_owned()))
        .method_not_allowed_fallback(async || Fault::MethodNotAllowed)
        .with_state(app.clone());
    let router = middleware::around(router, &app);
    // The services whose APIs these are take any path with a slash at its end as well, without a redirect, and
    // some of their clients put a catalog's address that ends in one before a path that begins with one.
    // Before routing: around all of the above.
    let normalizing = NormalizePathLayer::trim_trailing_slash();
    Router::new().fallback_service(normalizing.layer(router))
}

/// The API document as it is served and checked in.
///
/// # Errors
/// When it cannot be written as JSON, which would be a defect of the document.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    let mut document = documented_routes().into_openapi();
    close(document.components.get_or_insert_default());
    document.to_pretty_json().map(|json| json + "\n")
}

/// What the document calls the operations that change something; and a sign-in, which belongs into the audit trail as well.
pub(crate) fn operations() -> Operations {
    let documented = Operations::of(&documented_routes().into_openapi());
    documented.and(Method::POST, dashboard::SIGN_IN, "signIn")
}

fn documented_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(ApiDocument::openapi())
        .merge(copy_jobs::routes())
        .merge(images::routes())
        .merge(plans::routes())
        .merge(versions::routes())
        .routes(routes!(show_openapi))
}

/// Show this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "showOpenApi",
    security(()),
    responses((status = 200, description = "This document.", content_type = "application/json")),
)]
async fn show_openapi(State(app): State<Arc<App>>) -> Response {
    (
        [(CONTENT_TYPE, "application/json; charset=UTF-8")],
        app.openapi.to_string(),
    )
        .into_response()
}
