//! `POST /v2/{project_id}/jobs/{job_id}`: writes a plan whole; one that is not there is created under this id, as the
//! backup API does. The command line client creates a plan this way when its file names a `job_id`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::draft::PlanDraft;
use super::plan_caller::{PlanCaller, PlanIdPath};
use super::request_body::read_json;
use super::schema;
use super::written::{PlanVersion, Writing};
use crate::answer::Created;
use crate::app::App;
use crate::documented::{PlainUuid, PlanWriteFaults};
use crate::fault::Fault;
use crate::scope::Scope;

/// Replace a plan
///
/// Creates the plan when there is none of this id. Its schedule starts over: one without any field fires at once.
/// Replicas that its actions have made stay its own.
#[utoipa::path(
    post,
    path = "/v2/{project_id}/jobs/{job_id}",
    operation_id = "replacePlan",
    tag = "plans",
    params(
        ("project_id" = String, Path, description = "The project of the token."),
        ("job_id" = inline(PlainUuid), Path, description = "The plan."),
    ),
    request_body(content = schema::Plan, content_type = "application/json"),
    responses(
        (status = 201, description = "The plan is written.", body = PlanVersion,
            content_type = "application/json; charset=UTF-8"),
        PlanWriteFaults,
    ),
)]
pub(super) async fn replace_plan(
    caller: PlanCaller,
    id: PlanIdPath,
    State(app): State<Arc<App>>,
    scope: Scope,
    headers: HeaderMap,
    body: Body,
) -> Result<Created<PlanVersion>, Fault> {
    caller.require_writer()?;
    let id = id.id().ok_or_else(|| {
        Fault::BadRequest(
            "The job_id in the path must be a UUID, with or without dashes.".to_owned(),
        )
    })?;
    let body = read_json(&app, &scope, &headers, body).await?;
    let draft = PlanDraft::parse(&body)?;
    let writing = Writing {
        app: &app,
        caller: &caller,
        scope: &scope,
    };
    let plan = match writing.replace(id, &draft).await {
        Err(Fault::NotFound(_)) => writing.create(&draft, Some(id)).await?,
        replaced => replaced?,
    };
    Ok(Created(plan.into()))
}
