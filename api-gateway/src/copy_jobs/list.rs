//! `GET …/jobs`: a bare array, for existing clients crash on anything around it.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use domain::JobView;

use super::require_reader;
use crate::answer::Page;
use crate::app::App;
use crate::auth::Caller;
use crate::documented::{JobStatuses, ListFaults};
use crate::fault::Fault;
use crate::job_document::JobDocument;
use crate::list_query::ListQuery;
use crate::scheduler_client::{Listing, SchedulerError, Viewer};
use crate::scope::Scope;

/// List copy jobs
///
/// The jobs that were requested in the caller's project and this region, newest first; without a
/// query the newest 1000.
#[utoipa::path(
    get,
    path = "/v2/extension/image_replicator/jobs",
    operation_id = "listCopyJobs",
    tag = "image copy jobs",
    params(
        ("status" = inline(Option<JobStatuses>), Query,
            description = "Only jobs in this status; several are separated by commas or repeated."),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000,
            description = "Jobs on a page; 1000 unless given."),
        ("marker" = Option<uuid::Uuid>, Query,
            description = "The last job_id of the page before."),
        ("sort_dir" = Option<String>, Query, pattern = "^(asc|desc)$",
            description = "By creation: `desc` (newest first, the default) or `asc`."),
        ("all_tenants" = Option<bool>, Query,
            description = "Every project's jobs; for administrators."),
    ),
    responses(
        (status = 200, description = "A page of jobs.", body = Vec<JobDocument>,
            content_type = "application/json; charset=UTF-8",
            headers(("Link" = String,
                description = "`<…>; rel=\"next\"`: the next page, when there is one."))),
        ListFaults,
    ),
)]
pub(super) async fn list_jobs(
    caller: Caller,
    State(app): State<Arc<App>>,
    scope: Scope,
    RawQuery(query): RawQuery,
) -> Result<Page<JobDocument>, Fault> {
    require_reader(&caller)?;
    let query = ListQuery::parse(query.as_deref().unwrap_or_default())
        .map_err(|invalid| Fault::BadRequest(invalid.to_string()))?;
    if query.all_tenants && !caller.sees_all {
        return Err(Fault::Forbidden(
            "None of your roles allows you to list the jobs of all tenants: leave out all_tenants."
                .to_owned(),
        ));
    }
    let viewer = Viewer {
        all_tenants: query.all_tenants,
        ..app.own_jobs_of(&caller)
    };
    let listing = Listing {
        statuses: query.statuses.clone(),
        limit: query.limit,
        marker: query.marker,
        oldest_first: query.oldest_first,
    };
    let page = app
        .scheduler
        .list(&viewer, &listing, scope.deadline())
        .await
        .map_err(|error| refusal(error, &query))?;
    let last = page
        .jobs
        .last()
        .filter(|_| page.has_more)
        .map(|job: &JobView| job.id);
    Ok(Page {
        next: last.map(|last| format!("/v2/extension/image_replicator/jobs?{}", query.after(last))),
        items: page.jobs.into_iter().map(JobDocument::from).collect(),
    })
}

/// In a list, the only thing that can be unknown or invalid by now is the marker: its job may have
/// been forgotten, for finished jobs are not kept for ever.
fn refusal(error: SchedulerError, query: &ListQuery) -> Fault {
    match (error, query.marker) {
        (SchedulerError::NotFound | SchedulerError::Invalid(_), Some(marker)) => Fault::BadRequest(
            format!("The marker {marker} is none of your jobs (any more): start again without it."),
        ),
        (error, _) => error.into(),
    }
}
