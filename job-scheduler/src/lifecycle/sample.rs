//! Records for tests.

use std::time::Duration;

use domain::{
    ActionId, ClaimId, CopySpec, Creator, Destination, ErrorCode, Finish, IfIdentical, ImageDigest,
    ImageId, ImageSelector, JobError, JobId, LeaseToken, OrphanRemoval, OrphanSearch, Outcome,
    PlanFire, PlanId, ProgressReport, RecoveryPoint, RegionId, ReplicaRemoval, Source, Stage,
    TenantId, UserId, WorkerId,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Jitter, Rules, accept, finish, grant};
use crate::job_record::JobRecord;
use crate::task::Task;

/// The start of every test plus some seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).expect("a moment within range")
}

pub(crate) fn rules() -> Rules {
    Rules {
        lease_length: Duration::from_secs(30),
        max_attempts: 5,
        max_lost_leases: 20,
        retry_first: Duration::from_secs(5),
        retry_longest: Duration::from_secs(300),
        queue_deadline: Duration::from_secs(7 * 86_400),
        job_deadline: Duration::from_secs(7 * 86_400),
        clean_up_grace: Duration::from_secs(86_400),
        keep_finished: Duration::from_secs(30 * 86_400),
    }
}

pub(crate) fn job_id(number: u128) -> JobId {
    JobId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn spec(tenant: &str) -> CopySpec {
    CopySpec {
        source: Source {
            region: RegionId::new("ot1"),
            tenant: TenantId::new(tenant),
            image: ImageId::from_uuid(Uuid::from_u128(7)),
        },
        source_image_name: "debian".to_owned(),
        source_digest: ImageDigest {
            size_bytes: 1_000_000,
            checksum: None,
            os_hash_algo: Some("sha512".to_owned()),
            os_hash_value: Some("00".to_owned()),
        },
        destination: Destination {
            region: RegionId::new("ot2"),
            tenant: TenantId::new("there"),
        },
        if_identical: IfIdentical::Copy,
        requested_by: UserId::new("alice"),
        traceparent: None,
        plan_id: None,
        retry_of: None,
    }
}

pub(crate) fn plan_id() -> PlanId {
    PlanId::from_uuid(Uuid::from_u128(50))
}

/// A copy that a plan makes.
pub(crate) fn planned() -> Task {
    Task::Copy(CopySpec {
        plan_id: Some(plan_id()),
        ..spec("t1")
    })
}

/// An errand that finds a plan's images.
pub(crate) fn resolve() -> Task {
    let CopySpec {
        source,
        destination,
        ..
    } = spec("t1");
    Task::Resolve(PlanFire {
        plan_id: plan_id(),
        action_id: ActionId::from_uuid(Uuid::from_u128(51)),
        source_region: source.region,
        source_tenant: source.tenant,
        creator: Creator {
            id: UserId::new("alice"),
            name: "alice".to_owned(),
            domain_id: "default".to_owned(),
            domain_name: "Default".to_owned(),
        },
        selector: ImageSelector::Name("debian".to_owned()),
        destination,
        newest: Vec::new(),
        traceparent: None,
    })
}

/// An errand that removes a replica.
pub(crate) fn remove() -> Task {
    let CopySpec {
        source,
        source_digest,
        destination,
        ..
    } = spec("t1");
    Task::Remove(ReplicaRemoval {
        plan_id: plan_id(),
        replica: RecoveryPoint {
            job_id: job_id(2),
            image_id: job_id(2).image_of_attempt(1),
            source_image_id: source.image,
            digest: source_digest,
            destination,
            made_at: at(0),
        },
        survivors: vec![job_id(3).image_of_attempt(1)],
    })
}

/// An operator's errand that looks for orphans.
pub(crate) fn find_orphans() -> Task {
    Task::FindOrphans(OrphanSearch {
        region: RegionId::new("ot2"),
        made_before: at(0),
    })
}

/// An operator's errand that removes one.
pub(crate) fn remove_orphan() -> Task {
    Task::RemoveOrphan(OrphanRemoval {
        region: RegionId::new("ot2"),
        image: job_id(2).image_of_attempt(1),
        tenant: TenantId::new("there"),
        job: job_id(2),
        made_before: at(0),
        even_if_whole: false,
        even_if_protected: false,
    })
}

/// An errand of each kind.
pub(crate) fn errands() -> [Task; 4] {
    [resolve(), remove(), find_orphans(), remove_orphan()]
}

pub(crate) fn accepted() -> JobRecord {
    accept(job_id(1), Task::Copy(spec("t1")), None, at(0), &rules())
}

pub(crate) fn accepted_as(task: Task) -> JobRecord {
    accept(job_id(1), task, None, at(0), &rules())
}

pub(crate) fn leased(record: &JobRecord, seconds: i64) -> JobRecord {
    let (token, claim) = (LeaseToken::generate(), ClaimId::generate());
    grant(
        record,
        token,
        claim,
        WorkerId::new("w1"),
        at(seconds),
        &rules(),
    )
    .expect("grantable")
}

pub(crate) fn granted() -> JobRecord {
    leased(&accepted(), 0)
}

pub(crate) fn failed_once() -> JobRecord {
    let record = granted();
    let word = finish_of(&record, failed(true));
    let (next, _) = finish(&record, &word, at(0), Jitter(1.0), &rules()).expect("legal");
    next.expect("written")
}

pub(crate) fn failed(transient: bool) -> Outcome {
    Outcome::Failed {
        error: JobError::new(ErrorCode::DestinationUnavailable, "Glance of ot2 is down"),
        transient,
    }
}

pub(crate) fn finish_of(record: &JobRecord, outcome: Outcome) -> Finish {
    Finish {
        job_id: record.id,
        lease_token: record.lease.as_ref().expect("leased").token,
        outcome,
        settled: Vec::new(),
        bytes_copied: 0,
    }
}

pub(crate) fn report_of(record: &JobRecord, bytes_copied: u64) -> ProgressReport {
    ProgressReport {
        job_id: record.id,
        lease_token: record.lease.as_ref().expect("leased").token,
        stage: Stage::Copying,
        bytes_copied,
        image: None,
        settled: Vec::new(),
    }
}
