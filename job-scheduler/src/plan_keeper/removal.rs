//! A plan is deleted. Its replicas stay, and are their owner's alone: those, too, whose removal has not happened yet.

use domain::PlanId;

use super::errands::cancel_job;
use crate::plan_lifecycle::removals;
use crate::plan_record::{PlanRecord, Wish};
use crate::plans::Plans;
use crate::store::StoreError;

/// How often a plan that others change meanwhile is removed before the caller is asked to come back.
const RACES: usize = 50;

/// Removes a plan that `may` be removed; says whether there was one. Copies that it has made go on, but those that
/// an abort has promised to cancel are canceled first.
///
/// # Errors
/// The store's.
pub(crate) async fn remove(
    plans: &Plans,
    id: PlanId,
    may: impl Fn(&PlanRecord) -> bool,
) -> Result<bool, StoreError> {
    let store = &plans.jobs.store;
    for _ in 0..RACES {
        let Some(stored) = store.load_plan(id).await? else {
            // The call that removed it may have died waiting for a replica.
            store.barrier(plans.jobs.now()).await?;
            return Ok(false);
        };
        if !may(&stored.record) {
            return Ok(false);
        }
        for wish in &stored.record.outbox {
            if let Wish::Cancel { job } = wish {
                cancel_job(plans, *job).await?;
            }
        }
        for job in removals(&stored.record) {
            cancel_job(plans, job).await?;
        }
        match store.remove_plan(&stored).await {
            Ok(()) => return Ok(true),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict)
}
