//! A worker's attempt ends, one way or another.
//!
//! The first committed transition wins: a copy that is ready after a cancel is discarded, and a
//! token that is not the current one changes nothing.

use domain::{
    ErrorCode, Finish, FinishVerdict, IfIdentical, ImageId, JobError, JobStatus, Outcome, UnitKind,
};
use jiff::Timestamp;

use super::report::{renew, settle};
use super::{Jitter, Rules, after, give_up, step};
use crate::job_record::JobRecord;
use crate::job_state::{Event, IllegalTransition};
use crate::task::{ErrandResult, Task};

/// Copies of one job that may differ from their source: once is a fault of the line or a disk, twice
/// is one that another attempt won't mend.
const MOST_MISMATCHES: u32 = 2;

/// What a finish changes and what the worker is told. No record: there is nothing to write.
///
/// # Errors
/// [`IllegalTransition`] never, as long as `job_state` and this file agree; tests drive every
/// status with every outcome.
pub fn finish(
    record: &JobRecord,
    finish: &Finish,
    now: Timestamp,
    jitter: Jitter,
    rules: &Rules,
) -> Result<(Option<JobRecord>, FinishVerdict), IllegalTransition> {
    if record.last_finished == Some(finish.lease_token) {
        return Ok((None, FinishVerdict::Committed));
    }
    let Some(kind) = record
        .lease
        .as_ref()
        .filter(|lease| lease.token == finish.lease_token)
        .map(|lease| lease.kind)
    else {
        return Ok((None, FinishVerdict::Superseded));
    };
    let mut next = record.clone();
    next.updated_at = now;
    settle(&mut next, &finish.settled);
    let verdict = match (kind, record.status) {
        (UnitKind::Copy, JobStatus::Replicating) => {
            end_copy(&mut next, finish, now, jitter, rules)?
        }
        (kind, JobStatus::Replicating) if kind != UnitKind::CleanUp => {
            end_errand(&mut next, finish, now, jitter, rules)?
        }
        _ => end_clean_up(&mut next, finish, now, jitter, rules)?,
    };
    match verdict {
        FinishVerdict::Committed => {
            next.lease = None;
            next.last_finished = Some(finish.lease_token);
        }
        FinishVerdict::Discard | FinishVerdict::Superseded | FinishVerdict::LookAgain => {
            if let Some(lease) = next.lease.as_mut() {
                renew(lease, &mut next.lost_leases, now, rules);
                next.waiting_until = None;
            }
        }
    }
    Ok((Some(next), verdict))
}

/// The end of a copy that nobody has called off.
fn end_copy(
    next: &mut JobRecord,
    finish: &Finish,
    now: Timestamp,
    jitter: Jitter,
    rules: &Rules,
) -> Result<FinishVerdict, IllegalTransition> {
    next.bytes_copied = finish.bytes_copied;
    next.waiting_until = None;
    if let Outcome::Reused { image } = finish.outcome {
        return reuse(next, image, now);
    }
    next.reused = None;
    match &finish.outcome {
        Outcome::Replicated { image } if next.leftovers.contains(image) => {
            step(next, Event::Replicated, now)?;
            next.leftovers.retain(|id| id != image);
            next.image = Some(*image);
        }
        // An image that was never granted to this job, or is reported gone in the same breath.
        Outcome::Replicated { image } => {
            let message = format!("a worker reported image {image}, which this job never made");
            give_up(next, JobError::new(ErrorCode::Internal, message), now)?;
        }
        Outcome::Reused { .. }
        | Outcome::Resolved { .. }
        | Outcome::Removed(_)
        | Outcome::OrphansFound(_) => {
            refuse(next, now)?;
        }
        Outcome::Failed { error, transient } => {
            next.image = None;
            if error.code == ErrorCode::VerificationFailed {
                next.mismatches += 1;
            }
            let may_repeat = *transient && next.mismatches < MOST_MISMATCHES;
            fail(next, error, may_repeat, now, jitter, rules)?;
        }
        // Nobody asked for a clean-up: the attempt is simply over, and counts for nothing.
        Outcome::Cleaned | Outcome::HandedBack => next.image = None,
    }
    Ok(FinishVerdict::Committed)
}

/// An image of another job is to stand for the copy. First it is held, so that no rotation removes it any more; only
/// then can the worker's look at it be trusted.
fn reuse(
    next: &mut JobRecord,
    image: ImageId,
    now: Timestamp,
) -> Result<FinishVerdict, IllegalTransition> {
    let may_reuse = next
        .copy()
        .is_some_and(|spec| spec.if_identical == IfIdentical::Reuse);
    if !may_reuse {
        refuse(next, now)?;
        return Ok(FinishVerdict::Committed);
    }
    if next.reused.replace(image) != Some(image) {
        return Ok(FinishVerdict::LookAgain);
    }
    step(next, Event::Replicated, now)?;
    next.image = Some(image);
    Ok(FinishVerdict::Committed)
}

/// The end of an errand that nobody has called off.
fn end_errand(
    next: &mut JobRecord,
    finish: &Finish,
    now: Timestamp,
    jitter: Jitter,
    rules: &Rules,
) -> Result<FinishVerdict, IllegalTransition> {
    next.waiting_until = None;
    match (&finish.outcome, &next.task) {
        (Outcome::Resolved { images }, Task::Resolve(_)) => {
            next.errand_result = Some(ErrandResult::Resolved(images.clone()));
            step(next, Event::Replicated, now)?;
        }
        (Outcome::Removed(fate), Task::Remove(_) | Task::RemoveOrphan(_)) => {
            next.errand_result = Some(ErrandResult::Removed(fate.clone()));
            step(next, Event::Replicated, now)?;
        }
        (Outcome::OrphansFound(found), Task::FindOrphans(_)) => {
            next.errand_result = Some(ErrandResult::OrphansFound(found.clone()));
            step(next, Event::Replicated, now)?;
        }
        (
            Outcome::Replicated { .. }
            | Outcome::Reused { .. }
            | Outcome::Resolved { .. }
            | Outcome::Removed(_)
            | Outcome::OrphansFound(_),
            _,
        ) => refuse(next, now)?,
        (Outcome::Failed { error, transient }, _) => {
            fail(next, error, *transient, now, jitter, rules)?;
        }
        (Outcome::Cleaned | Outcome::HandedBack, _) => {}
    }
    Ok(FinishVerdict::Committed)
}

/// An attempt has failed: another follows, unless none could do better or there were enough.
fn fail(
    next: &mut JobRecord,
    error: &JobError,
    may_repeat: bool,
    now: Timestamp,
    jitter: Jitter,
    rules: &Rules,
) -> Result<(), IllegalTransition> {
    next.failures += 1;
    if may_repeat && next.failures < rules.max_attempts {
        next.waiting_until = Some(after(now, rules.backoff(next.failures, jitter)));
        return Ok(());
    }
    give_up(next, error.clone(), now)
}

/// A worker reported the end of a task that this job is not.
fn refuse(next: &mut JobRecord, now: Timestamp) -> Result<(), IllegalTransition> {
    let message = format!("a worker mistook {} for something else", next.task.name());
    give_up(next, JobError::new(ErrorCode::Internal, message), now)
}

/// The end of anything else: a clean-up, or a unit whose job was canceled or given up meanwhile.
fn end_clean_up(
    next: &mut JobRecord,
    finish: &Finish,
    now: Timestamp,
    jitter: Jitter,
    rules: &Rules,
) -> Result<FinishVerdict, IllegalTransition> {
    let canceling = next.status.is_being_canceled();
    if canceling {
        step(next, Event::CleanUpStarted, now)?;
    }
    if matches!(finish.outcome, Outcome::Replicated { .. }) && next.copy().is_some() {
        return Ok(FinishVerdict::Discard);
    }
    // Whoever wanted it is to know what is gone, even if that was called off too late.
    if let (Outcome::Removed(fate), Task::Remove(_) | Task::RemoveOrphan(_)) =
        (&finish.outcome, &next.task)
    {
        next.errand_result = Some(ErrandResult::Removed(fate.clone()));
    }
    if canceling && next.leftovers.is_empty() {
        step(next, Event::Cleaned, now)?;
    }
    next.waiting_until = match &finish.outcome {
        _ if next.leftovers.is_empty() => None,
        Outcome::HandedBack => None,
        Outcome::Replicated { .. }
        | Outcome::Reused { .. }
        | Outcome::Resolved { .. }
        | Outcome::Removed(_)
        | Outcome::OrphansFound(_)
        | Outcome::Failed { .. }
        | Outcome::Cleaned => {
            next.clean_up_failures += 1;
            Some(after(now, rules.backoff(next.clean_up_failures, jitter)))
        }
    };
    Ok(FinishVerdict::Committed)
}

#[cfg(test)]
mod tests;
