//! An operator has a copy made again that failed or was canceled. The old job stays as it is.

use domain::{CopySpec, JobStatus, PlanId};

use crate::job_record::JobRecord;

/// A job that is not made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRetryable {
    /// It has not failed.
    #[error("the job is `{0}`: only one that ended as `error` or `canceled` is retried")]
    NotFailed(JobStatus),
    /// Its plan would not know the replica, and never remove it.
    #[error("plan {0} made the job and makes its copies again by itself: tell the plan to start")]
    OfPlan(PlanId),
    /// It is no copy.
    #[error("an errand is not retried: ask for it anew")]
    Errand,
}

/// What the new job shall copy: the same, but that nobody shows a token for it any more.
///
/// # Errors
/// [`NotRetryable`].
pub fn retry(record: &JobRecord) -> Result<CopySpec, NotRetryable> {
    let spec = record.copy().ok_or(NotRetryable::Errand)?;
    match (record.status, spec.plan_id) {
        (_, Some(plan)) => Err(NotRetryable::OfPlan(plan)),
        (JobStatus::Error | JobStatus::Canceled, None) => Ok(CopySpec {
            retry_of: Some(record.id),
            ..spec.clone()
        }),
        (status, None) => Err(NotRetryable::NotFailed(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::sample::{self, at, failed, finish_of};
    use crate::lifecycle::{Jitter, cancel, finish};

    fn ended(record: &JobRecord) -> JobRecord {
        let held = sample::leased(record, 0);
        let word = finish_of(&held, failed(false));
        let (next, _) = finish(&held, &word, at(1), Jitter(0.0), &sample::rules()).expect("legal");
        next.expect("written")
    }

    #[test]
    fn what_failed_or_was_canceled_is_copied_again_and_names_the_old_job() {
        let canceled = cancel(&sample::accepted(), at(1), &sample::rules()).expect("cancelable");
        for record in [ended(&sample::accepted()), canceled] {
            let spec = retry(&record).expect("retryable");
            assert_eq!(spec.retry_of, Some(record.id));
            let old = record.copy().expect("a copy");
            assert_eq!(
                CopySpec {
                    retry_of: None,
                    ..spec
                },
                *old
            );
        }
    }

    #[test]
    fn open_jobs_plans_copies_and_errands_are_not() {
        let open = sample::accepted();
        let why = NotRetryable::NotFailed(JobStatus::ReplicateRequested);
        assert_eq!(retry(&open), Err(why));
        let planned = ended(&sample::accepted_as(sample::planned()));
        assert_eq!(
            retry(&planned),
            Err(NotRetryable::OfPlan(sample::plan_id()))
        );
        for task in sample::errands() {
            let errand = ended(&sample::accepted_as(task));
            assert_eq!(retry(&errand), Err(NotRetryable::Errand));
        }
    }
}
