//! `GET /v2/{project_id}/jobs`: a page of plans, newest first, filtered by the body.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use domain::{PlanId, PlanView};
use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::backup_job::BackupJob;
use super::list_query::PlanListQuery;
use super::plan_caller::PlanCaller;
use super::request_body::read_any;
use super::schema;
use super::search::Search;
use crate::answer::Document;
use crate::app::App;
use crate::documented::{PlanListFaults, WholeNumber};
use crate::fault::Fault;
use crate::scheduler_client::{SchedulerError, Viewer};
use crate::scope::Scope;

/// How often a list is begun again because a plan that it had come to was deleted.
const TRIES: usize = 3;

/// A page of plans.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct PlanList {
    /// The plans, newest first.
    #[schema(value_type = Vec<BackupJob>)]
    jobs: Vec<Value>,
}

/// List plans
///
/// The plans of the project, newest first. Other query keys are ignored.
#[utoipa::path(
    get,
    path = "/v2/{project_id}/jobs",
    operation_id = "listPlans",
    tag = "plans",
    params(
        ("project_id" = String, Path, description = "The project of the token."),
        ("limit" = inline(Option<WholeNumber>), Query,
            description = "Plans on the page: 10 unless given, 1000 at most."),
        ("offset" = inline(Option<WholeNumber>), Query, description = "Plans before the page."),
        ("all_projects" = Option<bool>, Query,
            description = "Every project's plans; for administrators."),
    ),
    request_body(content = Option<schema::Search>, content_type = "application/json",
        description = "A filter; may be left out."),
    responses(
        (status = 200, description = "A page of plans.", body = PlanList,
            content_type = "application/json; charset=UTF-8"),
        PlanListFaults,
    ),
)]
pub(super) async fn list_plans(
    caller: PlanCaller,
    State(app): State<Arc<App>>,
    scope: Scope,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Document<PlanList>, Fault> {
    caller.require_reader()?;
    let query = PlanListQuery::parse(query.as_deref().unwrap_or_default())
        .map_err(|invalid| Fault::BadRequest(invalid.to_string()))?;
    if query.all_projects && !caller.sees_all() {
        return Err(Fault::Forbidden(
            "None of your roles allows you to list the plans of all projects: leave out all_projects."
                .to_owned(),
        ));
    }
    let search = Search::parse(&read_any(&app, &scope, &headers, body).await?)?;
    let viewer = Viewer {
        all_tenants: query.all_projects,
        ..caller.of_project(&app)
    };
    for _ in 0..TRIES {
        if let Some(jobs) = page(&app, &viewer, &query, &search, &scope).await? {
            return Ok(Document(PlanList { jobs }));
        }
    }
    Err(Fault::unavailable(
        "The list changes faster than it can be read. Try again.",
    ))
}

/// The page; none when the list has to be begun again.
async fn page(
    app: &App,
    viewer: &Viewer,
    query: &PlanListQuery,
    search: &Search,
    scope: &Scope,
) -> Result<Option<Vec<Value>>, Fault> {
    let (mut jobs, mut to_skip) = (Vec::new(), query.offset);
    let mut marker: Option<PlanId> = None;
    loop {
        let page = match app.scheduler.plans(viewer, marker, scope.deadline()).await {
            Ok(page) => page,
            Err(SchedulerError::NotFound | SchedulerError::Invalid(_)) if marker.is_some() => {
                return Ok(None);
            }
            Err(error) => return Err(Fault::of_plan(error)),
        };
        marker = page.plans.last().map(|plan| plan.id);
        let is_last = !page.has_more || marker.is_none();
        for plan in page.plans {
            // Nothing has to be looked at that is skipped whatever it is.
            if search.is_empty() && to_skip > 0 {
                to_skip -= 1;
                continue;
            }
            let Some(job) = wanted(plan, search)? else {
                continue;
            };
            if to_skip > 0 {
                to_skip -= 1;
                continue;
            }
            jobs.push(job);
            if jobs.len() == query.limit {
                return Ok(Some(jobs));
            }
        }
        if is_last {
            return Ok(Some(jobs));
        }
    }
}

fn wanted(plan: PlanView, search: &Search) -> Result<Option<Value>, Fault> {
    let job =
        serde_json::to_value(BackupJob::in_list(plan)).map_err(|error| Fault::internal(&error))?;
    Ok(search.wants(&job).then_some(job))
}
