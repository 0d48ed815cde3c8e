//! One copy that the tests speak about: a small image goes from ot1 to ot2.

use std::collections::{BTreeMap, BTreeSet};

use domain::{CopySpec, Destination, IfIdentical, ImageDigest, RegionId, Source, TenantId, UserId};
use jiff::Timestamp;
use openstack::{Image, ImageStatus, Visibility};

use crate::Order;

pub(crate) fn spec() -> CopySpec {
    CopySpec {
        source: Source {
            region: RegionId::new("ot1"),
            tenant: TenantId::new("11111111111111111111111111111111"),
            image: "a0a0a0a0-0000-4000-8000-000000000001"
                .parse()
                .expect("a UUID"),
        },
        source_image_name: "jammy".to_owned(),
        source_digest: ImageDigest {
            size_bytes: 9,
            checksum: Some("a1".to_owned()),
            os_hash_algo: Some("sha512".to_owned()),
            os_hash_value: Some("b2".to_owned()),
        },
        destination: Destination {
            region: RegionId::new("ot2"),
            tenant: TenantId::new("22222222222222222222222222222222"),
        },
        if_identical: IfIdentical::Copy,
        requested_by: UserId::new("alice"),
        traceparent: None,
        plan_id: None,
        retry_of: None,
    }
}

pub(crate) fn order() -> Order {
    Order {
        job_id: "33911588-c299-4369-a240-7e5b741cdb6a"
            .parse()
            .expect("a UUID"),
        spec: spec(),
        attempt: 1,
        leftovers: Vec::new(),
    }
}

pub(crate) fn source_image() -> Image {
    let spec = spec();
    Image {
        id: spec.source.image,
        name: Some(spec.source_image_name),
        status: ImageStatus::Active,
        visibility: Visibility::Shared,
        owner: Some(spec.source.tenant),
        os_hidden: false,
        protected: false,
        disk_format: Some("qcow2".to_owned()),
        container_format: Some("bare".to_owned()),
        min_disk: 3,
        min_ram: 512,
        size: Some(spec.source_digest.size_bytes),
        checksum: spec.source_digest.checksum,
        os_hash_algo: spec.source_digest.os_hash_algo,
        os_hash_value: spec.source_digest.os_hash_value,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        tags: BTreeSet::from(["lts".to_owned()]),
        properties: BTreeMap::new(),
    }
}
