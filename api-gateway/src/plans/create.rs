//! `POST /v2/{project_id}/jobs`: exactly 201.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::backup_job::hex;
use super::draft::PlanDraft;
use super::plan_caller::PlanCaller;
use super::request_body::read_json;
use super::schema;
use super::written::{NewPlanId, Writing};
use crate::answer::Created;
use crate::app::App;
use crate::documented::PlanWriteFaults;
use crate::fault::Fault;
use crate::scheduler_client::SchedulerError;
use crate::scope::Scope;

/// Create a plan
///
/// Copies images again and again on a schedule, in the caller's name: its rights are checked now and at each fire.
#[utoipa::path(
    post,
    path = "/v2/{project_id}/jobs",
    operation_id = "createPlan",
    tag = "plans",
    params(("project_id" = String, Path, description = "The project of the token.")),
    request_body(content = schema::Plan, content_type = "application/json"),
    responses(
        (status = 201, description = "The plan is accepted.", body = NewPlanId,
            content_type = "application/json; charset=UTF-8"),
        PlanWriteFaults,
    ),
)]
pub(super) async fn create_plan(
    caller: PlanCaller,
    State(app): State<Arc<App>>,
    scope: Scope,
    headers: HeaderMap,
    body: Body,
) -> Result<Created<NewPlanId>, Fault> {
    caller.require_writer()?;
    let body = read_json(&app, &scope, &headers, body).await?;
    let draft = PlanDraft::parse(&body)?;
    if let Some(id) = draft.id {
        let viewer = caller.of_all_writable(&app);
        match app.scheduler.plan(&viewer, id, scope.deadline()).await {
            Ok(_) => return Err(Fault::plan_id_taken()),
            Err(SchedulerError::NotFound) => {}
            Err(error) => return Err(Fault::of_plan(error)),
        }
    }
    let writing = Writing {
        app: &app,
        caller: &caller,
        scope: &scope,
    };
    let plan = writing.create(&draft, draft.id).await?;
    Ok(Created(NewPlanId {
        job_id: hex(plan.id),
    }))
}
