//! `GET …/jobs/{job_id}`: one flat document. A canceled job stays readable: a client that cancels
//! shows the job right after.

use std::sync::Arc;

use axum::extract::State;

use super::require_reader;
use crate::answer::Document;
use crate::app::App;
use crate::auth::Caller;
use crate::documented::ShowFaults;
use crate::extract::JobIdPath;
use crate::fault::Fault;
use crate::job_document::JobDocument;
use crate::scope::Scope;

/// Show a copy job
#[utoipa::path(
    get,
    path = "/v2/extension/image_replicator/jobs/{job_id}",
    operation_id = "showCopyJob",
    tag = "image copy jobs",
    params(("job_id" = uuid::Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "The job.", body = JobDocument,
            content_type = "application/json; charset=UTF-8"),
        ShowFaults,
    ),
)]
pub(super) async fn show_job(
    caller: Caller,
    JobIdPath(id): JobIdPath,
    State(app): State<Arc<App>>,
    scope: Scope,
) -> Result<Document<JobDocument>, Fault> {
    require_reader(&caller)?;
    let job = app
        .scheduler
        .job(&app.jobs_visible_to(&caller), id, scope.deadline())
        .await?;
    Ok(Document(job.into()))
}
