//! What the dashboard asks beyond the three APIs, under `/dashboard/api/`: a sign-in, and what fills its forms.
//!
//! These serve the page of the same gateway and change with it: they are no part of the API document. Invariants: nothing is
//! stored; a token or password comes in a body or in `X-Auth-Token`, never in a path, and is in no log line; no answer may be
//! kept by a cache; a page of another origin can use none of them ([`same_origin`]); whoever has a token is held to the
//! project's request rate as everywhere, whoever has none yet to that of [`sign_in_rate`].

mod images;
mod projects;
mod regions;
mod same_origin;
mod sign_in;
mod sign_in_rate;
mod workload;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

pub(crate) use sign_in_rate::SignInRate;

use crate::app::App;

/// Where one signs in.
pub(crate) const SIGN_IN: &str = "/dashboard/api/sign-in";

/// The routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(SIGN_IN, post(sign_in::sign_in))
        .route("/dashboard/api/projects", get(projects::list_projects))
        .route("/dashboard/api/images", get(images::list_images))
        .route("/dashboard/api/regions", get(regions::list_regions))
        .route("/dashboard/api/workload", get(workload::show_workload))
        .route_layer(from_fn(same_origin::require_same_origin))
}
