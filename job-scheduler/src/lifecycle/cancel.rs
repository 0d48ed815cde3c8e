//! The caller asks for a cancel.

use domain::JobStatus;
use jiff::Timestamp;

use super::{Rules, after, end_cancel, step};
use crate::job_record::{Deadline, DeadlineKind, JobRecord};
use crate::job_state::{Event, IllegalTransition};

/// A job that cannot be canceled any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job is `{status}` and cannot be canceled any more")]
pub struct NotCancelable {
    /// Where it stands.
    pub status: JobStatus,
}

/// Cancels: at once when nobody is on it and there is nothing to clean, else the worker hears of
/// it or a clean-up is granted.
///
/// # Errors
/// [`NotCancelable`] unless the status is `replicate_requested` or `replicating`.
pub fn cancel(
    record: &JobRecord,
    now: Timestamp,
    rules: &Rules,
) -> Result<JobRecord, NotCancelable> {
    let not_cancelable = |_: IllegalTransition| NotCancelable {
        status: record.status,
    };
    let mut next = record.clone();
    step(&mut next, Event::CancelRequested, now).map_err(not_cancelable)?;
    next.updated_at = now;
    next.waiting_until = None;
    next.deadline = Some(Deadline {
        at: after(now, rules.clean_up_grace),
        kind: DeadlineKind::CleanUp,
    });
    // A copy that lost its lease may still be at it; an errand has nothing that could be cleaned.
    let nobody_on_it = match next.copy() {
        Some(_) => next.lease.is_none(),
        None => next.held_lease().is_none(),
    };
    if nobody_on_it && next.leftovers.is_empty() {
        end_cancel(&mut next, now).map_err(not_cancelable)?;
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use domain::UnitKind;

    use super::*;
    use crate::lifecycle::sample::{self, at};
    use crate::lifecycle::{Jitter, lapse};

    #[test]
    fn a_job_that_nobody_started_is_canceled_at_once() {
        let canceled = cancel(&sample::accepted(), at(1), &sample::rules()).expect("cancelable");
        assert_eq!(canceled.status, JobStatus::Canceled);
        assert_eq!(canceled.finished_at, Some(at(1)));
        assert!(canceled.is_over());
    }

    #[test]
    fn a_running_one_waits_for_its_worker() {
        let canceled = cancel(&sample::granted(), at(1), &sample::rules()).expect("cancelable");
        assert_eq!(canceled.status, JobStatus::CancelRequested);
        assert_eq!(canceled.finished_at, None);
    }

    #[test]
    fn one_in_backoff_with_leftovers_is_cleaned_without_waiting() {
        let failed = sample::failed_once();
        assert!(failed.waiting_until.is_some());
        let canceled = cancel(&failed, at(1), &sample::rules()).expect("cancelable");
        assert_eq!(canceled.status, JobStatus::CancelRequested);
        assert_eq!(canceled.waiting_until, None);
        assert_eq!(canceled.unit(), Some(UnitKind::CleanUp));
    }

    #[test]
    fn an_errand_that_nobody_is_on_is_canceled_at_once_and_another_when_its_lease_ends() {
        let rules = sample::rules();
        let held = sample::leased(&sample::accepted_as(sample::resolve()), 0);
        let waiting = cancel(&held, at(1), &rules).expect("cancelable");
        assert_eq!(waiting.status, JobStatus::CancelRequested);
        assert_eq!(waiting.unit(), None);
        let ended = lapse(&waiting, at(30), Jitter(0.0), &rules).expect("expired");
        assert_eq!(ended.status, JobStatus::Canceled);

        let lapsed = lapse(&held, at(30), Jitter(0.0), &rules).expect("expired");
        let canceled = cancel(&lapsed, at(31), &rules).expect("cancelable");
        assert_eq!(canceled.status, JobStatus::Canceled);
        assert_eq!(canceled.held_lease(), None);
    }

    #[test]
    fn a_second_cancel_is_refused() {
        let rules = sample::rules();
        for record in [sample::accepted(), sample::granted()] {
            let canceled = cancel(&record, at(1), &rules).expect("cancelable");
            let status = canceled.status;
            assert_eq!(
                cancel(&canceled, at(2), &rules),
                Err(NotCancelable { status })
            );
        }
    }
}
