//! A region is drained: nothing of it is granted until it is undrained, by whichever scheduler. The store refuses such
//! grants, so no grant follows the answer.

use domain::RegionId;

use super::audit::Operator;
use crate::jobs::Jobs;
use crate::status::CallError;
use crate::store::admin::Drain;

/// Drains a region; the drain that stands, and whether it stood before.
///
/// # Errors
/// [`CallError`]: a region that is not configured, the store.
pub(super) async fn drain(
    jobs: &Jobs,
    operator: &Operator,
    region: &RegionId,
) -> Result<(Drain, bool), CallError> {
    knows(jobs, region)?;
    let drain = Drain {
        operator: operator.to_string(),
        since: jobs.now(),
    };
    let before = jobs.store.drain(region, &drain).await?;
    // It is to outlive a store that fails over.
    jobs.store.barrier(jobs.now()).await?;
    jobs.metrics.drained(region, true);
    let was_drained = before.is_some();
    Ok((before.unwrap_or(drain), was_drained))
}

/// Ends a drain; says whether there was one. Workers are woken at once.
///
/// # Errors
/// As [`drain`].
pub(super) async fn undrain(jobs: &Jobs, region: &RegionId) -> Result<bool, CallError> {
    knows(jobs, region)?;
    let before = jobs.store.undrain(region).await?;
    jobs.store.barrier(jobs.now()).await?;
    jobs.metrics.drained(region, false);
    jobs.nudge.notify_waiters();
    Ok(before.is_some())
}

/// Refuses a region that is drained.
///
/// # Errors
/// [`CallError::RegionDrained`], and the store's.
pub(super) async fn refuse_drained(jobs: &Jobs, region: &RegionId) -> Result<(), CallError> {
    let drains = jobs.store.drains().await?;
    match drains.iter().find(|(drained, _)| drained == region) {
        Some(_) => Err(CallError::RegionDrained(region.clone())),
        None => Ok(()),
    }
}

/// Refuses a region that is not configured.
///
/// # Errors
/// [`CallError::Invalid`].
fn knows(jobs: &Jobs, region: &RegionId) -> Result<(), CallError> {
    if jobs.settings.knows(region) {
        return Ok(());
    }
    Err(CallError::Invalid(format!(
        "region `{region}` is not configured"
    )))
}
