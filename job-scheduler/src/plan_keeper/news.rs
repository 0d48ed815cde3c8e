//! Tells plans what came of their units of work and copies.
//!
//! A final record stands among the news until its plan has heard of it: the plan is committed first, then the
//! record is marked. Whoever dies in between tells the plan again, which is no news then.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{ErrorCode, JobError, JobId, JobStatus, PlanId};
use jiff::Timestamp;

use super::tell;
use crate::job_record::JobRecord;
use crate::lifecycle::{after, plan_told};
use crate::plan_lifecycle::{News, Replica, apply, awaited, lost};
use crate::plan_record::{CopyEnd, PlanRecord};
use crate::plans::Plans;
use crate::quarantine;
use crate::store::{Due, Place, StoreError, Stored};
use crate::task::{ErrandResult, Task};

/// Records that are looked at in one go.
const BATCH: usize = 100;
/// Batches in one tick.
const BATCHES: usize = 10;
/// How often a plan that others change meanwhile is told in one tick.
const RACES: usize = 10;
/// When the news of a plan that cannot be read are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Spreads the news that there are, within bounds.
pub(super) async fn spread(plans: &Plans) -> Result<(), StoreError> {
    for _ in 0..BATCHES {
        if spread_some(plans).await? < BATCH {
            break;
        }
    }
    Ok(())
}

async fn spread_some(plans: &Plans) -> Result<usize, StoreError> {
    let jobs = &plans.jobs;
    let due = jobs.store.due(Due::PlanNews, jobs.now(), BATCH).await?;
    let found = jobs.store.load_many(&due).await?;
    let is_found = |id: &JobId| found.iter().any(|stored| stored.record.id == *id);
    for id in due.iter().filter(|id| !is_found(id)) {
        quarantine::set_aside(jobs, *id, &Place::Due(Due::PlanNews)).await?;
    }
    let mut by_plan: BTreeMap<PlanId, Vec<Stored>> = BTreeMap::new();
    for stored in found {
        if let Some(plan) = stored.record.untold_plan() {
            by_plan.entry(plan).or_default().push(stored);
        }
    }
    for (plan, ended) in by_plan {
        tell_plan(plans, plan, &ended).await?;
    }
    Ok(due.len())
}

async fn tell_plan(plans: &Plans, plan: PlanId, ended: &[Stored]) -> Result<(), StoreError> {
    for _ in 0..RACES {
        let stored = match plans.jobs.store.load_plan(plan).await {
            Ok(Some(stored)) => stored,
            // Nobody wants to know any more.
            Ok(None) => return mark(plans, ended).await,
            Err(error @ StoreError::UnreadablePlan { .. }) => {
                tracing::error!(plan.id = %plan, error = %error, "cannot tell a plan its news");
                return put_off(plans, ended).await;
            }
            Err(error) => return Err(error),
        };
        let now = plans.now();
        let mut next = stored.record.clone();
        for news in ended.iter().filter_map(|it| news_of(&it.record)) {
            next = apply(&next, &news, now, &plans.rules).unwrap_or(next);
        }
        if next == stored.record {
            // Whoever told it may have died waiting for a replica.
            plans.jobs.store.barrier(now).await?;
            return mark(plans, ended).await;
        }
        let span = super::span(&stored.record);
        span.in_scope(|| tell(&stored.record, &next));
        match plans.commit(&stored, &next).await {
            Ok(_) => return mark(plans, ended).await,
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The plan knows: a copy stays to be read by its owner, an errand's record has served.
async fn mark(plans: &Plans, ended: &[Stored]) -> Result<(), StoreError> {
    let jobs = &plans.jobs;
    let now = jobs.now();
    for stored in ended {
        let done = match &stored.record.task {
            Task::Copy(_) => match plan_told(&stored.record) {
                Some(told) => jobs.commit(stored, &told, now).await.map(drop),
                None => Ok(()),
            },
            Task::Resolve(_) | Task::Remove(_) => jobs.store.remove(stored, now).await,
            // Nobody's plan waits for them.
            Task::FindOrphans(_) | Task::RemoveOrphan(_) => Ok(()),
        };
        match done {
            // Another scheduler was faster, or its leftovers changed: the next tick finds it.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes news that nobody can hear out of the way of others for a while.
async fn put_off(plans: &Plans, ended: &[Stored]) -> Result<(), StoreError> {
    let jobs = &plans.jobs;
    let now = jobs.now();
    let again = after(now, LOOK_AGAIN);
    let place = Place::Due(Due::PlanNews);
    for stored in ended {
        let id = stored.record.id;
        jobs.store.set_aside(id, &place, now, again).await?;
    }
    Ok(())
}

/// Looks for what a plan waits for: tells it what it missed, and what does not exist any more.
pub(super) async fn look_for_lost(
    plans: &Plans,
    record: &PlanRecord,
    now: Timestamp,
) -> Result<PlanRecord, StoreError> {
    let mut next = record.clone();
    let mut gone = Vec::new();
    for job in awaited(record) {
        match plans.jobs.store.load(job).await {
            Ok(Some(stored)) => {
                if let Some(news) = news_of(&stored.record) {
                    next = apply(&next, &news, now, &plans.rules).unwrap_or(next);
                }
            }
            Ok(None) => {
                tracing::error!(plan.id = %record.id, job.id = %job, "what a plan waits for is lost");
                gone.push(job);
            }
            Err(StoreError::Unreadable { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(lost(&next, &gone, now, &plans.rules))
}

/// What a record has to tell its plan; none before its end, or without a plan.
fn news_of(record: &JobRecord) -> Option<News> {
    let error = || {
        let error = record.error.clone();
        error.unwrap_or_else(|| JobError::new(ErrorCode::Internal, "it came to nothing"))
    };
    if !record.status.is_final() {
        return None;
    }
    let job = record.id;
    Some(match (&record.task, &record.errand_result) {
        (Task::Copy(_), _) => News::Copied {
            job,
            end: match record.status {
                JobStatus::Replicated => CopyEnd::Replicated,
                JobStatus::Canceled => CopyEnd::Canceled,
                _ if was_canceled(record) => CopyEnd::Canceled,
                _ => CopyEnd::Failed,
            },
            replica: replica_of(record),
            error: record.error.clone(),
        },
        (Task::Resolve(_), Some(ErrandResult::Resolved(images))) => News::Resolved {
            errand: job,
            found: Ok(images.clone()),
        },
        (Task::Resolve(_), _) => News::Resolved {
            errand: job,
            found: Err(error()),
        },
        (Task::Remove(removal), Some(ErrandResult::Removed(fate))) => News::Removed {
            errand: job,
            image: removal.replica.image_id,
            fate: Ok(fate.clone()),
        },
        (Task::Remove(removal), _) => News::Removed {
            errand: job,
            image: removal.replica.image_id,
            fate: Err(error()),
        },
        (Task::FindOrphans(_) | Task::RemoveOrphan(_), _) => return None,
    })
}

/// Whether somebody canceled it, although the destination could not be cleaned in time: it is not tried again either.
fn was_canceled(record: &JobRecord) -> bool {
    let error = record.error.as_ref();
    error.is_some_and(|error| error.code == ErrorCode::CleanUpPending)
}

/// The image of a copy. Only what the copy itself made is ever the plan's to remove.
fn replica_of(record: &JobRecord) -> Option<Replica> {
    let image = record.image?;
    if record.reused == Some(image) {
        return Some(Replica::Reused(image));
    }
    let mut attempts = 1..=record.attempt;
    attempts
        .any(|attempt| record.id.image_of_attempt(attempt) == image)
        .then_some(Replica::Made(image))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::sample::{self, at};
    use crate::lifecycle::{cancel, give_up_when_due};

    #[test]
    fn a_canceled_copy_that_could_not_be_cleaned_in_time_was_canceled_all_the_same() {
        let rules = sample::rules();
        let held = sample::leased(&sample::accepted_as(sample::planned()), 0);
        let canceled = cancel(&held, at(1), &rules).expect("cancelable");
        let grace = canceled.deadline.expect("bounded").at;
        let overdue = give_up_when_due(&canceled, grace).expect("due");
        assert_eq!(overdue.status, JobStatus::Error);
        let Some(News::Copied { end, replica, .. }) = news_of(&overdue) else {
            panic!("{overdue:?}");
        };
        assert_eq!((end, replica), (CopyEnd::Canceled, None));
    }
}
