//! Nothing waits for ever: a job whose time is up becomes an error at once.
//!
//! Its worker, if it has one, keeps the lease, hears `Cancel` and removes what it made, as after a
//! cancel; without a worker the leftovers become a clean-up. Either way the final status stands.

use domain::{ErrorCode, JobError, JobStatus};
use jiff::Timestamp;

use super::{give_up, step};
use crate::job_record::{DeadlineKind, JobRecord};
use crate::job_state::Event;

/// The record of a job whose deadline has passed. None when it has not.
#[must_use]
pub fn give_up_when_due(record: &JobRecord, now: Timestamp) -> Option<JobRecord> {
    let deadline = record.deadline.filter(|deadline| deadline.at <= now)?;
    let mut next = record.clone();
    next.updated_at = now;
    match deadline.kind {
        DeadlineKind::Queue => give_up(
            &mut next,
            JobError::new(
                ErrorCode::QueueDeadlineExceeded,
                format!(
                    "no worker of the destination region started on {} in time; try again later",
                    record.task.name()
                ),
            ),
            now,
        ),
        DeadlineKind::Job => give_up(
            &mut next,
            JobError::new(
                ErrorCode::JobDeadlineExceeded,
                format!(
                    "{} did not end in time; try again later",
                    record.task.name()
                ),
            ),
            now,
        ),
        DeadlineKind::CleanUp => overdue(&mut next, now),
    }
    .ok()?;
    Some(next)
}

fn overdue(
    next: &mut JobRecord,
    now: Timestamp,
) -> Result<(), crate::job_state::IllegalTransition> {
    if next.status == JobStatus::CancelRequested {
        step(next, Event::CleanUpStarted, now)?;
    }
    step(next, Event::CleanUpOverdue, now)?;
    next.error = Some(JobError::new(
        ErrorCode::CleanUpPending,
        "the copy was canceled, but the destination could not be cleaned yet; the service goes on trying",
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::{Directive, UnitKind};

    use super::*;
    use crate::lifecycle::sample::{self, at, report_of};
    use crate::lifecycle::{cancel, report};

    const DAY: i64 = 86_400;

    #[test]
    fn a_job_that_nobody_starts_is_given_up_after_the_queue_deadline() {
        let record = sample::accepted();
        assert_eq!(give_up_when_due(&record, at(7 * DAY - 1)), None);
        let late = give_up_when_due(&record, at(7 * DAY)).expect("due");
        let code = late.error.as_ref().map(|error| error.code);
        assert_eq!(code, Some(ErrorCode::QueueDeadlineExceeded));
        assert!(late.is_over());
    }

    #[test]
    fn a_running_job_past_its_deadline_is_an_error_and_its_worker_cleans_up() {
        let record = sample::granted();
        let late = give_up_when_due(&record, at(7 * DAY)).expect("due");
        assert_eq!(late.status, JobStatus::Error);
        assert_eq!(late.unit(), Some(UnitKind::CleanUp));
        let (_, directive) = report(&late, &report_of(&late, 1), at(7 * DAY), &sample::rules());
        assert_eq!(directive, Directive::Cancel);
    }

    #[test]
    fn a_cancel_that_cannot_be_cleaned_is_shown_and_still_worked_on() {
        let canceled = cancel(&sample::failed_once(), at(1), &sample::rules()).expect("cancelable");
        assert_eq!(give_up_when_due(&canceled, at(DAY)), None);
        let late = give_up_when_due(&canceled, at(DAY + 1)).expect("due");
        assert_eq!(late.status, JobStatus::Error);
        let code = late.error.as_ref().map(|error| error.code);
        assert_eq!(code, Some(ErrorCode::CleanUpPending));
        assert_eq!(late.unit(), Some(UnitKind::CleanUp));
        assert!(!late.is_over());
    }
}
