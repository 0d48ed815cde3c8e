//! `POST /v2/{project_id}/jobs/{job_id}/event`: exactly 202, with a `result` in the backup API's words.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::event_request;
use super::plan_caller::{PlanCaller, PlanIdPath};
use super::request_body::read_json;
use super::schema;
use crate::answer::Accepted;
use crate::app::App;
use crate::documented::{PlainUuid, PlanChangeFaults};
use crate::fault::Fault;
use crate::scope::Scope;

/// What came of an event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EventResult {
    /// `success`, or for example `start already requested`.
    #[schema(examples("success"))]
    result: String,
}

/// Start, stop or abort a plan
///
/// `start` fires now and puts the plan on schedule again, `stop` takes it off its schedule and lets a run end, `abort`
/// also cancels the copies of the run.
#[utoipa::path(
    post,
    path = "/v2/{project_id}/jobs/{job_id}/event",
    operation_id = "signalPlan",
    tag = "plans",
    params(
        ("project_id" = String, Path, description = "The project of the token."),
        ("job_id" = inline(PlainUuid), Path, description = "The plan."),
    ),
    request_body(content = schema::Event, content_type = "application/json",
        description = "`{\"start\": null}`, `{\"stop\": null}` or `{\"abort\": null}`."),
    responses(
        (status = 202, description = "The plan is told.", body = EventResult,
            content_type = "application/json; charset=UTF-8"),
        PlanChangeFaults,
    ),
)]
pub(super) async fn signal_plan(
    caller: PlanCaller,
    id: PlanIdPath,
    State(app): State<Arc<App>>,
    scope: Scope,
    headers: HeaderMap,
    body: Body,
) -> Result<Accepted<EventResult>, Fault> {
    caller.require_writer()?;
    let id = id.known()?;
    let body = read_json(&app, &scope, &headers, body).await?;
    let event = event_request::parse(&body)?;
    scope.is_about(|subject| subject.event = Some(event));
    let result = app
        .scheduler
        .signal_plan(
            &caller.of_all_writable(&app),
            id,
            event,
            &caller.as_creator(),
            scope.deadline(),
        )
        .await
        .map_err(Fault::of_plan)?;
    tracing::info!(plan.id = %id, ?event, result, "a plan is told");
    Ok(Accepted(EventResult { result }))
}
