//! Jobs to look at.

use proto::v1;
use proto::v1::JobStatus;

use crate::cloud::{DESTINATION_TENANT, IMAGE, SOURCE_TENANT};

/// The `number`th job of a tenant, in the order of creation.
pub(crate) fn job(number: u32, tenant: &str, status: JobStatus) -> v1::Job {
    let second = i64::from(number) * 1000;
    v1::Job {
        job_id: job_id(number),
        spec: Some(v1::CopySpec {
            source_region_id: "ot1".to_owned(),
            source_tenant_id: tenant.to_owned(),
            source_image_id: IMAGE.to_owned(),
            source_image_name: "Test-image-Ubuntu".to_owned(),
            source_digest: Some(v1::ImageDigest {
                size_bytes: 4096,
                ..Default::default()
            }),
            destination_region_id: "ot2".to_owned(),
            destination_tenant_id: DESTINATION_TENANT.to_owned(),
            if_identical: v1::IfIdentical::Copy.into(),
            requested_by: "alice-id".to_owned(),
            ..Default::default()
        }),
        status: status.into(),
        created_at_ms: 1_767_225_600_000 + second,
        updated_at_ms: 1_767_225_600_000 + second,
        ..Default::default()
    }
}

/// The `number`th job of alice's project.
pub(crate) fn own_job(number: u32, status: JobStatus) -> v1::Job {
    job(number, SOURCE_TENANT, status)
}

pub(crate) fn job_id(number: u32) -> String {
    format!("00000000-0000-4000-a000-{number:012}")
}
