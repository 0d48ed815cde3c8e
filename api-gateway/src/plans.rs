//! Plans: copies that are made again and again, as jobs of the OpenStack backup API (v2). One operation a file.
//!
//! Existing clients of that API use `/jobs/` on list and create, others `/jobs`; both are served and neither is
//! redirected (`router.rs`). They insist on exact success codes, on `version` in the answer to a change, and show `description` of a
//! failure.

mod action;
mod admit;
mod backup_job;
mod create;
mod delete;
mod draft;
mod edit;
mod event;
pub(crate) mod event_request;
mod invalid_plan;
mod list;
mod list_query;
mod members;
mod plan_caller;
mod replace;
mod request_body;
mod schedule_fields;
mod schema;
mod search;
mod show;
mod update;
mod written;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use draft::PlanDraft;
pub(crate) use list_query::PlanListQuery;
pub(crate) use search::Search;

use crate::app::App;

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create::create_plan, list::list_plans))
        .routes(routes!(
            show::show_plan,
            update::update_plan,
            replace::replace_plan,
            delete::delete_plan
        ))
        .routes(routes!(event::signal_plan))
}
