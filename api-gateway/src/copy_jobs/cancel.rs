//! `DELETE …/jobs/{job_id}`: asks for a cancel. The first committed transition wins: a job that is
//! over, or being canceled already, answers 409.

use std::sync::Arc;

use axum::extract::State;

use crate::answer::NoContent;
use crate::app::App;
use crate::auth::Caller;
use crate::documented::CancelFaults;
use crate::extract::JobIdPath;
use crate::fault::Fault;
use crate::scope::Scope;

/// Cancel a copy job
///
/// Possible while the job is `replicate_requested` or `replicating`. Whatever the copy has left at the
/// destination is removed in the background; the job is `canceled` when nothing of it is left.
#[utoipa::path(
    delete,
    path = "/v2/extension/image_replicator/jobs/{job_id}",
    operation_id = "cancelCopyJob",
    tag = "image copy jobs",
    params(("job_id" = uuid::Uuid, Path, description = "The job.")),
    responses(
        (status = 204, description = "The cancel is requested."),
        CancelFaults,
    ),
)]
pub(super) async fn cancel_job(
    caller: Caller,
    JobIdPath(id): JobIdPath,
    State(app): State<Arc<App>>,
    scope: Scope,
) -> Result<NoContent, Fault> {
    if !(caller.may_copy || caller.is_admin) {
        return Err(Fault::Forbidden(
            "None of your roles in this project allows you to cancel its copy jobs.".to_owned(),
        ));
    }
    let viewer = app.jobs_in_the_hands_of(&caller);
    app.scheduler.cancel(&viewer, id, scope.deadline()).await?;
    tracing::info!(job.id = %id, "a cancel is requested");
    Ok(NoContent)
}
