//! Domain values for round trips, with every field set.

use domain::{
    ActionId, CopySpec, Creator, Destination, IfIdentical, ImageDigest, ImageId, ImageSelector,
    JobId, Orphan, OrphanRemoval, OrphanSearch, OrphansFound, PlanFire, PlanId, RecoveryPoint,
    RegionId, ReplicaRemoval, Source, TenantId, UserId,
};
use jiff::Timestamp;
use uuid::Uuid;

pub(super) fn image(number: u128) -> ImageId {
    ImageId::from_uuid(Uuid::from_u128(number))
}

pub(super) fn digest() -> ImageDigest {
    ImageDigest {
        size_bytes: 1 << 40,
        checksum: Some("d41d8cd98f00b204e9800998ecf8427e".to_owned()),
        os_hash_algo: Some("sha512".to_owned()),
        os_hash_value: Some("cf83".to_owned()),
    }
}

pub(super) fn destination() -> Destination {
    Destination {
        region: RegionId::new("ot2"),
        tenant: TenantId::new("there"),
    }
}

pub(super) fn spec() -> CopySpec {
    CopySpec {
        source: Source {
            region: RegionId::new("ot1"),
            tenant: TenantId::new("here"),
            image: image(1),
        },
        source_image_name: "debian".to_owned(),
        source_digest: digest(),
        destination: destination(),
        if_identical: IfIdentical::Reuse,
        requested_by: UserId::new("alice"),
        traceparent: Some("00-1-2-01".to_owned()),
        plan_id: Some(PlanId::generate()),
        retry_of: Some(JobId::generate()),
    }
}

pub(super) fn point(number: u128) -> RecoveryPoint {
    RecoveryPoint {
        job_id: JobId::generate(),
        image_id: image(number),
        source_image_id: image(1),
        digest: digest(),
        destination: destination(),
        made_at: moment(),
    }
}

fn moment() -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_123).expect("within range")
}

pub(super) fn fire() -> PlanFire {
    PlanFire {
        plan_id: PlanId::generate(),
        action_id: ActionId::generate(),
        source_region: RegionId::new("ot1"),
        source_tenant: TenantId::new("here"),
        creator: Creator {
            id: UserId::new("a11ce"),
            name: "alice".to_owned(),
            domain_id: "default".to_owned(),
            domain_name: "Default".to_owned(),
        },
        selector: ImageSelector::Tag("nightly".to_owned()),
        destination: destination(),
        newest: vec![point(2), point(3)],
        traceparent: Some("00-1-2-01".to_owned()),
    }
}

pub(super) fn removal() -> ReplicaRemoval {
    ReplicaRemoval {
        plan_id: PlanId::generate(),
        replica: point(2),
        survivors: vec![image(3), image(4)],
    }
}

pub(super) fn orphan_search() -> OrphanSearch {
    OrphanSearch {
        region: RegionId::new("ot2"),
        made_before: moment(),
    }
}

pub(super) fn orphans_found() -> OrphansFound {
    let job = JobId::generate();
    OrphansFound {
        orphans: vec![Orphan {
            image: job.image_of_attempt(2),
            tenant: TenantId::new("there"),
            job,
            attempt: 2,
            name: "debian".to_owned(),
            status: "saving".to_owned(),
            is_hidden: true,
            is_protected: true,
            size_bytes: Some(1 << 40),
            made_at: moment(),
        }],
        is_cut_off: true,
        tenants_unseen: 3,
    }
}

pub(super) fn orphan_removal() -> OrphanRemoval {
    OrphanRemoval {
        region: RegionId::new("ot2"),
        image: image(2),
        tenant: TenantId::new("there"),
        job: JobId::generate(),
        made_before: moment(),
        even_if_whole: true,
        even_if_protected: true,
    }
}
