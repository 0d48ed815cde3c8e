//! What happens to a job: pure functions from a record, a command and the time to the next record.
//!
//! Nothing here reads a clock, draws a random number or does I/O: times, tokens and jitter come as
//! arguments, so that a decision can be repeated after a lost race and tested to the last branch.
//! Called by the services and the reconciler, which commit the result by version.

mod cancel;
mod deadline;
mod finish;
mod grant;
mod intake;
mod lapse;
mod plan_news;
mod report;
mod retry;

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod sample;

use std::time::Duration;

use domain::{JobError, JobStatus};
use jiff::{SignedDuration, Timestamp};

pub use cancel::{NotCancelable, cancel};
pub use deadline::give_up_when_due;
pub use finish::finish;
pub use grant::{NotGrantable, grant, grant_again};
pub use intake::accept;
pub use lapse::{lapse, promote};
pub use plan_news::plan_told;
pub(crate) use report::directive;
pub use report::report;
pub use retry::{NotRetryable, retry};

use crate::job_record::{Deadline, DeadlineKind, JobRecord};
use crate::job_state::{Event, IllegalTransition, next};

/// The rules of a job's life, from the configuration.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How long a lease lasts without a renewal.
    pub lease_length: Duration,
    /// Transient failures after which the job is an error.
    pub max_attempts: u32,
    /// Lost leases after which the job is an error.
    pub max_lost_leases: u32,
    /// The first backoff between attempts; it doubles.
    pub retry_first: Duration,
    /// The longest backoff between attempts.
    pub retry_longest: Duration,
    /// How long a job may wait for its first attempt.
    pub queue_deadline: Duration,
    /// How long a job may take in all.
    pub job_deadline: Duration,
    /// How long a cancel waits for its clean-up before it is shown as an error.
    pub clean_up_grace: Duration,
    /// How long a finished job is kept.
    pub keep_finished: Duration,
}

/// A number from 0 up to 1, drawn by the caller: spreads backoffs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter(pub f64);

impl Rules {
    /// The wait before the next try after `failures` of them: doubling, between half and all of it.
    #[must_use]
    pub fn backoff(&self, failures: u32, jitter: Jitter) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self
            .retry_first
            .saturating_mul(1 << doublings)
            .min(self.retry_longest);
        whole.mul_f64(0.5 + jitter.0.clamp(0.0, 1.0) / 2.0)
    }
}

/// A moment that lies `length` after another; the end of time when that is beyond it.
#[must_use]
pub fn after(now: Timestamp, length: Duration) -> Timestamp {
    SignedDuration::try_from(length)
        .ok()
        .and_then(|length| now.checked_add(length).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Moves the status; everything that hangs on it follows.
fn step(record: &mut JobRecord, event: Event, now: Timestamp) -> Result<(), IllegalTransition> {
    record.status = next(record.status, event)?;
    match record.status {
        JobStatus::Replicated => {
            record.copy_progress = 100;
        }
        JobStatus::Error | JobStatus::Canceled => {
            record.image = None;
            record.reused = None;
        }
        JobStatus::ReplicateRequested
        | JobStatus::Replicating
        | JobStatus::CancelRequested
        | JobStatus::Canceling => {}
    }
    if record.status.is_final() {
        record.finished_at = Some(now);
        record.deadline = None;
    }
    Ok(())
}

/// Ends the job with an error. Whatever it left behind becomes a clean-up.
fn give_up(
    record: &mut JobRecord,
    error: JobError,
    now: Timestamp,
) -> Result<(), IllegalTransition> {
    step(record, Event::GaveUp, now)?;
    record.error = Some(error);
    record.waiting_until = None;
    Ok(())
}

/// Ends a cancel with nothing left to clean.
fn end_cancel(record: &mut JobRecord, now: Timestamp) -> Result<(), IllegalTransition> {
    step(record, Event::CleanUpStarted, now)?;
    step(record, Event::Cleaned, now)
}

/// The deadline of a job that a worker has started on.
fn job_deadline(record: &JobRecord, rules: &Rules) -> Deadline {
    Deadline {
        at: after(record.created_at, rules.job_deadline),
        kind: DeadlineKind::Job,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_the_longest_and_is_spread() {
        let rules = sample::rules();
        assert_eq!(rules.backoff(1, Jitter(1.0)), Duration::from_secs(5));
        assert_eq!(rules.backoff(3, Jitter(1.0)), Duration::from_secs(20));
        assert_eq!(rules.backoff(3, Jitter(0.0)), Duration::from_secs(10));
        assert_eq!(rules.backoff(400, Jitter(1.0)), Duration::from_secs(300));
    }

    #[test]
    fn a_moment_beyond_time_is_the_end_of_time() {
        assert_eq!(after(Timestamp::MAX, Duration::MAX), Timestamp::MAX);
    }
}
