//! A copy that failed or was canceled is made again, as a new job.

use domain::JobId;

use super::audit::Operator;
use crate::intake::create_for_operator;
use crate::jobs::Jobs;
use crate::lifecycle;
use crate::status::CallError;
use crate::store::Stored;
use crate::task::Task;

/// The new job, and whether it stood already: its id is made of the old one's, so that asking again makes nothing twice.
///
/// # Errors
/// [`CallError`]: no such job, one that is not to be made again, the store.
pub(super) async fn retry(
    jobs: &Jobs,
    operator: &Operator,
    old: JobId,
) -> Result<(Stored, bool), CallError> {
    let stored = jobs.store.load(old).await?.ok_or(CallError::NotFound)?;
    let spec = lifecycle::retry(&stored.record)?;
    let act = operator.act("retry", jobs.now());
    create_for_operator(jobs, old.retry(), Task::Copy(spec), act).await
}
