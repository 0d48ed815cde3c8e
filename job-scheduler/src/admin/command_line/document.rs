//! Answers as JSON. Keys stay as they are: scripts read them.

use jiff::Timestamp;
use proto::v1;
use proto::v1::replica_fate::Fate;
use serde_json::{Value, json};

/// A job or errand.
pub(super) fn job(job: &v1::AdminJob) -> Value {
    let mut document = json!({
        "job_id": job.job_id,
        "task": job.task,
        "status": status(job.status()),
        "region_id": job.region_id,
        "source_region_id": job.source_region_id,
        "copy_progress": job.copy_progress,
        "bytes_copied": job.bytes_copied,
        "attempt": job.attempt,
        "failures": job.failures,
        "lost_leases": job.lost_leases,
        "clean_up_failures": job.clean_up_failures,
        "lease": job.lease.as_ref().map(lease),
        "image_id": job.image_id,
        "leftovers": job.leftovers,
        "waiting_until": job.waiting_until_ms.map(time),
        "deadline": job.deadline_ms.map(time),
        "error": job.error.as_ref().map(|error| json!({"code": error.code, "message": error.message})),
        "plan_id": job.plan_id,
        "created_at": time(job.created_at_ms),
        "started_at": job.started_at_ms.map(time),
        "updated_at": time(job.updated_at_ms),
        "finished_at": job.finished_at_ms.map(time),
        "acts": job.acts.iter().map(act).collect::<Vec<_>>(),
    });
    if let Some(spec) = &job.spec {
        document["copy"] = copy(spec);
    }
    if let Some(found) = &job.orphans_found {
        document["orphans_found"] = orphans(found);
    }
    if let Some(removed) = &job.removed {
        document["removed"] = fate(removed);
    }
    document
}

/// Jobs.
pub(super) fn jobs(jobs: &[v1::AdminJob]) -> Value {
    jobs.iter().map(job).collect()
}

fn copy(spec: &v1::CopySpec) -> Value {
    json!({
        "source_tenant_id": spec.source_tenant_id,
        "source_image_id": spec.source_image_id,
        "source_image_name": spec.source_image_name,
        "size_bytes": spec.source_digest.as_ref().map(|digest| digest.size_bytes),
        "destination_tenant_id": spec.destination_tenant_id,
        "requested_by": spec.requested_by,
        "retry_of": spec.retry_of,
    })
}

fn lease(lease: &v1::AdminLease) -> Value {
    json!({
        "kind": lease.kind,
        "worker_id": lease.worker_id,
        "stage": lease.stage,
        "expires_at": time(lease.expires_at_ms),
        "is_lapsed": lease.is_lapsed,
    })
}

fn act(act: &v1::OperatorAct) -> Value {
    json!({"at": time(act.at_ms), "operator": act.operator, "verb": act.verb})
}

/// What a search found.
pub(super) fn orphans(found: &v1::OrphansFound) -> Value {
    json!({
        "orphans": found.orphans.iter().map(orphan).collect::<Vec<_>>(),
        "is_cut_off": found.is_cut_off,
        "tenants_unseen": found.tenants_unseen,
    })
}

fn orphan(orphan: &v1::Orphan) -> Value {
    json!({
        "image_id": orphan.image_id,
        "tenant_id": orphan.tenant_id,
        "job_id": orphan.job_id,
        "attempt": orphan.attempt,
        "name": orphan.name,
        "status": orphan.status,
        "is_hidden": orphan.is_hidden,
        "is_protected": orphan.is_protected,
        "is_whole": is_whole(orphan),
        "size_bytes": orphan.size_bytes,
        "made_at": time(orphan.made_at_ms),
    })
}

/// Whether it looks like a finished copy.
pub(super) fn is_whole(orphan: &v1::Orphan) -> bool {
    domain::Orphan::try_from(orphan.clone()).is_ok_and(|orphan| orphan.is_whole())
}

/// What became of an image that was to be removed.
pub(super) fn fate(fate: &v1::ReplicaFate) -> Value {
    match &fate.fate {
        Some(Fate::Gone(_)) => json!({"gone": true}),
        Some(Fate::Kept(why)) => json!({"gone": false, "kept": why}),
        None => Value::Null,
    }
}

/// The limits and their use.
pub(super) fn limits(usage: &v1::AdminShowLimitsResponse) -> Value {
    let regions = usage.regions.iter().map(|region| {
        json!({
            "region_id": region.region_id,
            "running_into": region.running_into,
            "running_out_of": region.running_out_of,
            "errands_waiting": region.errands_waiting,
            "leftovers": region.leftovers,
            "drain": region.drain.as_ref().map(drain),
        })
    });
    let tenants = usage.tenants.iter().map(|tenant| {
        json!({
            "source_region_id": tenant.source_region_id,
            "tenant_id": tenant.tenant_id,
            "destination_region_id": tenant.destination_region_id,
            "running": tenant.running,
            "waiting": tenant.waiting,
            "open": tenant.open,
        })
    });
    json!({
        "limits": {
            "copies_per_tenant": usage.copies_per_tenant,
            "copies_per_source": usage.copies_per_source,
            "copies_per_destination": usage.copies_per_destination,
            "queued_per_tenant": usage.queued_per_tenant,
            "plans_per_tenant": usage.plans_per_tenant,
        },
        "regions": regions.collect::<Vec<_>>(),
        "tenants": tenants.collect::<Vec<_>>(),
    })
}

/// A drain.
pub(super) fn drain(drain: &v1::RegionDrain) -> Value {
    json!({
        "region_id": drain.region_id,
        "operator": drain.operator,
        "since": time(drain.since_ms),
    })
}

/// A status by its name.
pub(super) fn status(status: v1::JobStatus) -> &'static str {
    domain::JobStatus::try_from(status).map_or("unknown", domain::JobStatus::as_str)
}

/// A moment, to the second.
pub(super) fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| "unknown".to_owned(), |moment| format!("{moment:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_to_the_second() {
        assert_eq!(time(1_795_632_010_999), "2026-11-25T18:40:10Z");
        assert_eq!(time(i64::MAX), "unknown");
    }
}
