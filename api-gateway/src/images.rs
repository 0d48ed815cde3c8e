//! Image details in the compute style: what Nova's images API said before it was retired, for the
//! clients that still ask it. The data is this region's Glance's, read with the caller's own token.
//!
//! Where the documentation of this API is silent, Nova's code decides: `images.py` and
//! `image_metadata.py` in `nova/api/openstack/compute`, `views/images.py` there, `nova/image/glance.py`.

mod copy_progress;
mod document;
mod filters;
mod image_service;
mod links;
mod list;
mod metadata;
mod page;
mod query;
mod requester;
#[cfg(test)]
mod sample;
mod show;
mod show_metadata;
mod status;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use image_service::{ImageService, asked};
pub(crate) use query::ImageQuery;

use crate::app::App;

/// The routes of this resource, under both versions of the compute API.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    let mut newer = of_one_version();
    // An operation's id must be its own: clients that are generated name functions after it.
    for path in newer.get_openapi_mut().paths.paths.values_mut() {
        let id = path.get.as_mut().and_then(|get| get.operation_id.as_mut());
        id.expect("each of these paths has a GET with an id")
            .push_str("V21");
    }
    OpenApiRouter::new()
        .nest("/v2", of_one_version())
        .nest("/v2.1", newer)
}

fn of_one_version() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list_images))
        .routes(routes!(list::list_image_details))
        .routes(routes!(show::show_image))
        .routes(routes!(show_metadata::list_metadata))
        .routes(routes!(show_metadata::show_metadata))
}
