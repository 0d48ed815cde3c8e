//! `GET /v2/{project_id}/jobs/{job_id}`: the bare document.

use std::sync::Arc;

use axum::extract::State;

use super::backup_job::BackupJob;
use super::plan_caller::{PlanCaller, PlanIdPath};
use crate::answer::Document;
use crate::app::App;
use crate::documented::{PlainUuid, PlanFaults};
use crate::fault::Fault;
use crate::scope::Scope;

/// Show a plan
#[utoipa::path(
    get,
    path = "/v2/{project_id}/jobs/{job_id}",
    operation_id = "showPlan",
    tag = "plans",
    params(
        ("project_id" = String, Path, description = "The project of the token."),
        ("job_id" = inline(PlainUuid), Path, description = "The plan."),
    ),
    responses(
        (status = 200, description = "The plan.", body = BackupJob,
            content_type = "application/json; charset=UTF-8"),
        PlanFaults,
    ),
)]
pub(super) async fn show_plan(
    caller: PlanCaller,
    id: PlanIdPath,
    State(app): State<Arc<App>>,
    scope: Scope,
) -> Result<Document<BackupJob>, Fault> {
    caller.require_reader()?;
    let viewer = caller.of_all_visible(&app);
    let plan = app
        .scheduler
        .plan(&viewer, id.known()?, scope.deadline())
        .await
        .map_err(Fault::of_plan)?;
    Ok(Document(BackupJob::whole(plan)))
}
