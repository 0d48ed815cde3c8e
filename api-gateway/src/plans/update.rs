//! `PATCH /v2/{project_id}/jobs/{job_id}`: exactly 200, with `version`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::draft::PlanDraft;
use super::plan_caller::{PlanCaller, PlanIdPath};
use super::request_body::read_json;
use super::schema;
use super::written::{PlanVersion, Writing};
use crate::answer::Document;
use crate::app::App;
use crate::documented::{PlainUuid, PlanChangeFaults};
use crate::fault::Fault;
use crate::scope::Scope;

/// Change a plan
///
/// What is left out stays. `job_schedule` and `job_actions` are replaced whole; an empty `job_schedule` switches the
/// schedule off. From now on the plan fires in the caller's name. A run under way goes on as it began.
#[utoipa::path(
    patch,
    path = "/v2/{project_id}/jobs/{job_id}",
    operation_id = "updatePlan",
    tag = "plans",
    params(
        ("project_id" = String, Path, description = "The project of the token."),
        ("job_id" = inline(PlainUuid), Path, description = "The plan."),
    ),
    request_body(content = schema::Plan, content_type = "application/json",
        description = "Any part of a plan."),
    responses(
        (status = 200, description = "The plan is changed.", body = PlanVersion,
            content_type = "application/json; charset=UTF-8"),
        PlanChangeFaults,
    ),
)]
pub(super) async fn update_plan(
    caller: PlanCaller,
    id: PlanIdPath,
    State(app): State<Arc<App>>,
    scope: Scope,
    headers: HeaderMap,
    body: Body,
) -> Result<Document<PlanVersion>, Fault> {
    caller.require_writer()?;
    let id = id.known()?;
    let body = read_json(&app, &scope, &headers, body).await?;
    let draft = PlanDraft::parse(&body)?;
    let writing = Writing {
        app: &app,
        caller: &caller,
        scope: &scope,
    };
    let plan = writing.update(id, &draft).await?;
    Ok(Document(plan.into()))
}
