//! Image copy jobs: copy, list, show, cancel, and two event streams. One operation a file.
//!
//! Existing clients of this API send no query, no trailing slash and odd Content-Types with GET and
//! DELETE; what they insist on stands where it is done.

mod cancel;
mod create;
mod events;
mod list;
mod show;
mod stream_permits;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use stream_permits::StreamPermits;

use crate::app::App;
use crate::auth::Caller;
use crate::fault::Fault;

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create::copy_image, list::list_jobs))
        .routes(routes!(show::show_job, cancel::cancel_job))
        .routes(routes!(events::watch_jobs))
        .routes(routes!(events::watch_job))
}

/// Requires a role that reads.
fn require_reader(caller: &Caller) -> Result<(), Fault> {
    if caller.may_read {
        return Ok(());
    }
    Err(Fault::Forbidden(
        "None of your roles in this project allows you to see its copy jobs.".to_owned(),
    ))
}
