//! Rules, specifications and moments for tests.

use std::time::Duration;

use domain::{
    ActionId, CopySpec, Creator, Destination, IfIdentical, ImageDigest, ImageId, ImageSelector,
    JobId, PlanDocument, PlanFire, PlanId, RecoveryPoint, RegionId, ReplicaRemoval, Source,
    TenantId, UserId,
};
use jiff::Timestamp;
use job_scheduler::lifecycle::Rules;
use job_scheduler::plan_lifecycle::{PlanRules, Wanted, accept};
use job_scheduler::plan_record::PlanRecord;
use job_scheduler::settings::Settings;
use job_scheduler::store::plans::PlanTerms;
use job_scheduler::store::shape::{Limits, Shape};
use job_scheduler::task::Task;
use uuid::Uuid;

pub(crate) const SIZE: u64 = 1_000_000;

/// The start of every test plus some seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).expect("a moment within range")
}

pub(crate) fn job_id(number: u128) -> JobId {
    JobId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn region(name: &str) -> RegionId {
    RegionId::new(name)
}

pub(crate) fn spec(source: &str, tenant: &str, destination: &str) -> CopySpec {
    CopySpec {
        source: Source {
            region: region(source),
            tenant: TenantId::new(tenant),
            image: ImageId::from_uuid(Uuid::from_u128(7)),
        },
        source_image_name: "debian".to_owned(),
        source_digest: ImageDigest {
            size_bytes: SIZE,
            checksum: None,
            os_hash_algo: Some("sha512".to_owned()),
            os_hash_value: Some("00".to_owned()),
        },
        destination: Destination {
            region: region(destination),
            tenant: TenantId::new("there"),
        },
        if_identical: IfIdentical::Copy,
        requested_by: UserId::new("alice"),
        traceparent: None,
        plan_id: None,
        retry_of: None,
    }
}

/// A plan that never fires.
pub(crate) fn idle_plan(id: PlanId) -> PlanRecord {
    let wanted = Wanted {
        id,
        region: region("ot1"),
        tenant: TenantId::new("t1"),
        creator: Creator {
            id: UserId::new("alice"),
            name: "alice".to_owned(),
            domain_id: "default".to_owned(),
            domain_name: "Default".to_owned(),
        },
        document: PlanDocument {
            disabled: true,
            ..PlanDocument::default()
        },
    };
    let rules = PlanRules {
        regions: vec![region("ot1"), region("ot2")],
        late_window: Duration::ZERO,
        shortest_period: Duration::from_secs(10),
    };
    accept(wanted, at(0), &rules).expect("valid")
}

/// So many plans each, whenever they come.
pub(crate) const fn plan_terms(plans_per_tenant: usize) -> PlanTerms {
    PlanTerms {
        plans_per_tenant,
        not_after: None,
    }
}

pub(crate) fn plan_id() -> PlanId {
    PlanId::from_uuid(Uuid::from_u128(50))
}

/// A copy of this kind that a plan makes.
pub(crate) fn planned(spec: CopySpec) -> Task {
    Task::Copy(CopySpec {
        plan_id: Some(plan_id()),
        ..spec
    })
}

/// An errand that finds the images of such copies.
pub(crate) fn resolve(spec: CopySpec) -> Task {
    Task::Resolve(PlanFire {
        plan_id: plan_id(),
        action_id: ActionId::from_uuid(Uuid::from_u128(51)),
        source_region: spec.source.region,
        source_tenant: spec.source.tenant,
        creator: Creator {
            id: UserId::new("alice"),
            name: "alice".to_owned(),
            domain_id: "default".to_owned(),
            domain_name: "Default".to_owned(),
        },
        selector: ImageSelector::Id(spec.source.image),
        destination: spec.destination,
        newest: Vec::new(),
        traceparent: None,
    })
}

/// An errand that removes such a copy's replica.
pub(crate) fn remove(spec: CopySpec) -> Task {
    Task::Remove(ReplicaRemoval {
        plan_id: plan_id(),
        replica: RecoveryPoint {
            job_id: job_id(900),
            image_id: job_id(900).image_of_attempt(1),
            source_image_id: spec.source.image,
            digest: spec.source_digest,
            destination: spec.destination,
            made_at: at(0),
        },
        survivors: vec![job_id(901).image_of_attempt(1)],
    })
}

pub(crate) fn shape(copies_per_tenant: usize) -> Shape {
    Shape {
        regions: vec![region("ot1"), region("ot2")],
        limits: Limits {
            copies_per_tenant,
            copies_per_source: 5,
            copies_per_destination: 4,
        },
    }
}

/// Limits that a handful of jobs reaches.
pub(crate) fn tight_shape() -> Shape {
    Shape {
        limits: Limits {
            copies_per_tenant: 2,
            copies_per_source: 3,
            copies_per_destination: 2,
        },
        ..shape(2)
    }
}

pub(crate) fn rules() -> Rules {
    Rules {
        lease_length: Duration::from_secs(30),
        max_attempts: 3,
        max_lost_leases: 20,
        retry_first: Duration::from_secs(5),
        retry_longest: Duration::from_secs(60),
        queue_deadline: Duration::from_secs(7 * 86_400),
        job_deadline: Duration::from_secs(7 * 86_400),
        clean_up_grace: Duration::from_secs(86_400),
        keep_finished: Duration::from_secs(30 * 86_400),
    }
}

pub(crate) fn settings(copies_per_tenant: usize) -> Settings {
    Settings {
        shape: shape(copies_per_tenant),
        rules: rules(),
        queued_per_tenant: 1_000,
        idempotency_window: Duration::from_secs(86_400),
        first_ticket: Duration::from_secs(2),
        ticket_first: Duration::from_secs(30),
        ticket_longest: Duration::from_secs(600),
        heartbeat: Duration::from_millis(200),
        serving_gap: Duration::from_secs(10),
        reconcile_every: Duration::from_millis(100),
        plans_per_tenant: 5,
        shortest_plan_period: Duration::from_secs(10),
        plan_late_window: Duration::from_secs(3_600),
    }
}
