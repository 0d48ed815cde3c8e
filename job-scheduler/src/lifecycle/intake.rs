//! A job is accepted.

use domain::{JobId, JobStatus};
use jiff::Timestamp;

use super::{Rules, after};
use crate::job_record::{Deadline, DeadlineKind, FORMAT, Idempotency, JobRecord};
use crate::task::Task;

/// The record of a new job, eligible at once.
#[must_use]
pub fn accept(
    id: JobId,
    task: Task,
    idempotency: Option<Idempotency>,
    now: Timestamp,
    rules: &Rules,
) -> JobRecord {
    let (at, kind) = if rules.queue_deadline <= rules.job_deadline {
        (after(now, rules.queue_deadline), DeadlineKind::Queue)
    } else {
        (after(now, rules.job_deadline), DeadlineKind::Job)
    };
    JobRecord {
        format: FORMAT,
        id,
        task,
        idempotency,
        status: JobStatus::ReplicateRequested,
        copy_progress: 0,
        bytes_copied: 0,
        attempt: 0,
        failures: 0,
        mismatches: 0,
        lost_leases: 0,
        clean_up_failures: 0,
        lease: None,
        last_finished: None,
        image: None,
        reused: None,
        leftovers: Vec::new(),
        waiting_until: None,
        deadline: Some(Deadline { at, kind }),
        error: None,
        created_at: now,
        started_at: None,
        updated_at: now,
        finished_at: None,
        errand_result: None,
        told_plan: false,
        acts: Vec::new(),
    }
}
