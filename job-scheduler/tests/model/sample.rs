//! The rules and the one specification of the model.

use std::time::Duration;

use domain::{
    CopySpec, Destination, IfIdentical, ImageDigest, ImageId, RegionId, Source, TenantId, UserId,
};
use jiff::{SignedDuration, Timestamp};
use job_scheduler::lifecycle::Rules;
use job_scheduler::settings::Settings;
use job_scheduler::store::shape::{Limits, Shape};
use proto::v1;
use uuid::Uuid;

pub(crate) const REGION: &str = "ot2";
const SOURCE_REGION: &str = "ot1";
const TENANT: &str = "t1";
pub(crate) const SIZE: u64 = 1_000_000;

/// When everything happens.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("a moment within range")
}

/// Later than anything that is looked at.
pub(crate) fn far() -> Timestamp {
    start() + SignedDuration::from_hours(24 * 365)
}

pub(crate) fn spec() -> CopySpec {
    CopySpec {
        source: Source {
            region: RegionId::new(SOURCE_REGION),
            tenant: TenantId::new(TENANT),
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
            region: RegionId::new(REGION),
            tenant: TenantId::new("there"),
        },
        if_identical: IfIdentical::Copy,
        requested_by: UserId::new("alice"),
        traceparent: None,
        plan_id: None,
        retry_of: None,
    }
}

pub(crate) fn viewer() -> v1::Viewer {
    v1::Viewer {
        region_id: SOURCE_REGION.to_owned(),
        tenant_id: TENANT.to_owned(),
        all_tenants: false,
    }
}

/// Few attempts, and times that only have to be in the right order.
pub(crate) fn settings(copies_per_tenant: usize) -> Settings {
    let second = Duration::from_secs(1);
    let year = second * 86_400 * 365;
    Settings {
        shape: Shape {
            regions: vec![RegionId::new(SOURCE_REGION), RegionId::new(REGION)],
            limits: Limits {
                copies_per_tenant,
                copies_per_source: 5,
                copies_per_destination: 5,
            },
        },
        rules: Rules {
            lease_length: second * 30,
            max_attempts: 2,
            max_lost_leases: 3,
            retry_first: second * 5,
            retry_longest: second * 60,
            queue_deadline: year,
            job_deadline: year,
            clean_up_grace: year,
            keep_finished: year * 10,
        },
        queued_per_tenant: 10,
        idempotency_window: second * 60,
        first_ticket: second * 2,
        ticket_first: second * 30,
        ticket_longest: second * 600,
        heartbeat: second * 2,
        serving_gap: second * 10,
        reconcile_every: second,
        plans_per_tenant: 1,
        shortest_plan_period: second * 60,
        plan_late_window: second * 60,
    }
}
