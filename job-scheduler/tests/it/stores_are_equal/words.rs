//! What a worker says of a job, as the operations have it.

use domain::{ErrorCode, Finish, JobError, Outcome, ProgressReport, ReplicaFate, Stage};
use job_scheduler::job_record::JobRecord;

pub(super) fn report(
    record: &JobRecord,
    bytes: u64,
    canceling: bool,
    settle: bool,
) -> Option<ProgressReport> {
    Some(ProgressReport {
        job_id: record.id,
        lease_token: record.lease.as_ref()?.token,
        stage: if canceling {
            Stage::Canceling
        } else {
            Stage::Copying
        },
        bytes_copied: bytes,
        image: Some(record.attempt_image()),
        settled: if settle {
            record.leftovers_for_holder()
        } else {
            Vec::new()
        },
    })
}

pub(super) fn finish(record: &JobRecord, outcome: u8, settle: bool) -> Option<Finish> {
    let failed = |transient| Outcome::Failed {
        error: JobError::new(ErrorCode::DestinationUnavailable, "down"),
        transient,
    };
    Some(Finish {
        job_id: record.id,
        lease_token: record.lease.as_ref()?.token,
        outcome: match outcome {
            0 => Outcome::Replicated {
                image: record.attempt_image(),
            },
            1 => failed(true),
            2 => failed(false),
            3 => Outcome::Cleaned,
            4 => Outcome::Resolved { images: Vec::new() },
            5 => Outcome::Removed(ReplicaFate::Gone),
            _ => Outcome::HandedBack,
        },
        settled: if settle {
            record.leftovers_for_holder()
        } else {
            Vec::new()
        },
        bytes_copied: 5,
    })
}
