//! A record as operators see it: everything but what proves or repeats something (lease tokens, claims, callers'
//! idempotency keys).

use domain::Stage;
use jiff::Timestamp;
use proto::v1;

use crate::job_record::{Act, JobRecord, Lease};
use crate::task::ErrandResult;

/// The job or errand.
pub(crate) fn job(record: &JobRecord) -> v1::AdminJob {
    let (orphans_found, removed) = match &record.errand_result {
        Some(ErrandResult::OrphansFound(found)) => (Some(found.into()), None),
        Some(ErrandResult::Removed(fate)) => (None, Some(fate.into())),
        // Its plan tells what came of it.
        Some(ErrandResult::Resolved(_)) | None => (None, None),
    };
    v1::AdminJob {
        job_id: record.id.to_string(),
        task: record.task.kind().as_str().to_owned(),
        region_id: record.region().to_string(),
        source_region_id: record.source_region().to_string(),
        spec: record.copy().map(Into::into),
        plan_id: record.task.plan().map(|id| id.to_string()),
        status: v1::JobStatus::from(record.status).into(),
        copy_progress: record.copy_progress.into(),
        bytes_copied: record.bytes_copied,
        attempt: record.attempt,
        failures: record.failures,
        lost_leases: record.lost_leases,
        clean_up_failures: record.clean_up_failures,
        lease: record.lease.as_ref().map(lease),
        image_id: record.image.map(|id| id.to_string()),
        leftovers: record.leftovers.iter().map(ToString::to_string).collect(),
        waiting_until_ms: record.waiting_until.map(Timestamp::as_millisecond),
        deadline_ms: record.deadline.map(|deadline| deadline.at.as_millisecond()),
        error: record.error.as_ref().map(Into::into),
        created_at_ms: record.created_at.as_millisecond(),
        started_at_ms: record.started_at.map(Timestamp::as_millisecond),
        updated_at_ms: record.updated_at.as_millisecond(),
        finished_at_ms: record.finished_at.map(Timestamp::as_millisecond),
        acts: record.acts.iter().map(act).collect(),
        orphans_found,
        removed,
    }
}

fn lease(lease: &Lease) -> v1::AdminLease {
    v1::AdminLease {
        kind: lease.kind.as_str().to_owned(),
        worker_id: lease.worker.to_string(),
        stage: lease.stage.map(|stage| stage_name(stage).to_owned()),
        expires_at_ms: lease.expires_at.as_millisecond(),
        is_lapsed: lease.lapsed,
    }
}

const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Settling => "settling",
        Stage::Creating => "creating",
        Stage::Copying => "copying",
        Stage::Verifying => "verifying",
        Stage::Canceling => "canceling",
    }
}

fn act(act: &Act) -> v1::OperatorAct {
    v1::OperatorAct {
        at_ms: act.at.as_millisecond(),
        operator: act.operator.clone(),
        verb: act.verb.clone(),
    }
}
