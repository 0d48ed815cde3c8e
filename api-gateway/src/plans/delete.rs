//! `DELETE /v2/{project_id}/jobs/{job_id}`: exactly 204, also when there is no such plan.

use std::sync::Arc;

use axum::extract::State;

use super::plan_caller::{PlanCaller, PlanIdPath};
use crate::answer::NoContent;
use crate::app::App;
use crate::documented::PlanDeleteFaults;
use crate::fault::Fault;
use crate::scope::Scope;

/// Delete a plan
///
/// It fires no more. Its replicas stay, and so do copies that are being made.
#[utoipa::path(
    delete,
    path = "/v2/{project_id}/jobs/{job_id}",
    operation_id = "deletePlan",
    tag = "plans",
    params(
        ("project_id" = String, Path, description = "The project of the token."),
        ("job_id" = String, Path, description = "The plan; what is no id is no plan's."),
    ),
    responses(
        (status = 204, description = "There is no such plan any more."),
        PlanDeleteFaults,
    ),
)]
pub(super) async fn delete_plan(
    caller: PlanCaller,
    id: PlanIdPath,
    State(app): State<Arc<App>>,
    scope: Scope,
) -> Result<NoContent, Fault> {
    caller.require_writer()?;
    // What is no id is no plan's, and so it is not there.
    if let Some(id) = id.id() {
        let viewer = caller.of_all_writable(&app);
        app.scheduler
            .delete_plan(&viewer, id, scope.deadline())
            .await
            .map_err(Fault::of_plan)?;
        tracing::info!(plan.id = %id, "a plan is deleted, if there was one");
    }
    Ok(NoContent)
}
