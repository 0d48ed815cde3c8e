//! Carries out what a plan wishes. Each of it is harmless to repeat.
//!
//! Nothing is created for a plan that has moved on since it was read: it would come too late for the plan to hear of it.

use std::collections::BTreeSet;

use domain::{ErrorCode, JobError, JobId};
use jiff::Timestamp;

use crate::intake::create_for_plan;
use crate::jobs::Decision;
use crate::lifecycle::{NotCancelable, cancel};
use crate::plan_lifecycle::{News, apply, candidates, carried_out, rotate};
use crate::plan_record::{CopyEnd, PlanRecord, Rotation, Wish};
use crate::plans::Plans;
use crate::status::CallError;
use crate::store::plans::{Holder, StoredPlan};
use crate::store::{PlanVersion, StoreError};
use crate::task::Task;

/// Wishes that are carried out before the plan is committed without them.
const AT_ONCE: usize = 100;

/// The plan after its first wishes: a rotation is a decision about the plan itself, all else happens elsewhere.
pub(super) async fn carry_out(
    plans: &Plans,
    stored: &StoredPlan,
    now: Timestamp,
) -> Result<PlanRecord, StoreError> {
    let record = &stored.record;
    let wished_by = PlanVersion::of(stored);
    if let Some(Wish::Rotate(rotation)) = record.outbox.first() {
        let next = rotated(plans, record, rotation).await?;
        return Ok(carried_out(&next, &[], now));
    }
    let wishes = record.outbox.iter().take(AT_ONCE);
    let wishes = wishes.take_while(|wish| !matches!(wish, Wish::Rotate(_)));
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for wish in wishes {
        refused.extend(fulfil(plans, wished_by, wish).await?);
        done.push(wish.clone());
    }
    let mut next = carried_out(record, &done, now);
    for news in &refused {
        next = apply(&next, news, now, &plans.rules).unwrap_or(next);
    }
    Ok(next)
}

/// Does what is wished; what can't be begun has failed, which is news.
async fn fulfil(
    plans: &Plans,
    wished_by: PlanVersion,
    wish: &Wish,
) -> Result<Option<News>, StoreError> {
    let (job, task) = match wish {
        Wish::Resolve { job, fire } => (*job, Task::Resolve((**fire).clone())),
        Wish::Copy { job, spec } => (*job, Task::Copy((**spec).clone())),
        Wish::Remove { job, removal } => (*job, Task::Remove((**removal).clone())),
        Wish::Cancel { job } => return cancel_job(plans, *job).await.map(|()| None),
        // Alone and first, or not yet.
        Wish::Rotate(_) => return Ok(None),
    };
    match create_for_plan(&plans.jobs, wished_by, job, task).await {
        Ok(()) => Ok(None),
        Err(CallError::Store(error)) => Err(error),
        Err(refused) => {
            tracing::error!(job.id = %job, error = %refused, "cannot do what a plan wishes");
            Ok(failed(wish, &refused.to_string()))
        }
    }
}

/// The news that a wish came to nothing.
fn failed(wish: &Wish, why: &str) -> Option<News> {
    let error = JobError::new(ErrorCode::Internal, why);
    match wish {
        Wish::Resolve { job, .. } => Some(News::Resolved {
            errand: *job,
            found: Err(error),
        }),
        Wish::Copy { job, .. } => Some(News::Copied {
            job: *job,
            end: CopyEnd::Failed,
            replica: None,
            error: Some(error),
        }),
        Wish::Remove { job, removal } => Some(News::Removed {
            errand: *job,
            image: removal.replica.image_id,
            fate: Err(error),
        }),
        Wish::Cancel { .. } | Wish::Rotate(_) => None,
    }
}

/// Cancels what a plan has had created, unless it has ended.
pub(super) async fn cancel_job(plans: &Plans, job: JobId) -> Result<(), StoreError> {
    let jobs = &plans.jobs;
    let decided = jobs
        .decide::<_, StoreError>(job, |record, now| {
            let canceled: Result<_, NotCancelable> = cancel(record, now, jobs.rules());
            Ok(Decision {
                record: canceled.ok(),
                answer: (),
            })
        })
        .await?;
    if let Some(decided) = decided {
        let status = decided.stored.record.status;
        tracing::info!(job.id = %job, job.status = %status, "canceled what a plan wants no longer");
    }
    Ok(())
}

/// Decides which replicas go; those that another plan holds stay.
async fn rotated(
    plans: &Plans,
    record: &PlanRecord,
    rotation: &Rotation,
) -> Result<PlanRecord, StoreError> {
    let mut held = BTreeSet::new();
    for image in candidates(record, rotation) {
        let holders = plans.jobs.store.holders(image).await?;
        if holders.iter().any(|it| *it != Holder::Plan(record.id)) {
            tracing::info!(image.id = %image, "a replica stays, for somebody else has a use for it");
            held.insert(image);
        }
    }
    Ok(rotate(record, rotation, &held))
}
