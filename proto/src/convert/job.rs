//! Jobs: specification, status, view.

use domain::{
    CopySpec, Destination, IfIdentical, ImageDigest, JobError, JobStatus, JobView, RegionId,
    Source, TenantId, UserId,
};
use jiff::Timestamp;

use super::{InvalidField, parse, parse_optional, required};
use crate::v1;

impl From<&CopySpec> for v1::CopySpec {
    fn from(spec: &CopySpec) -> Self {
        Self {
            source_region_id: spec.source.region.to_string(),
            source_tenant_id: spec.source.tenant.to_string(),
            source_image_id: spec.source.image.to_string(),
            source_image_name: spec.source_image_name.clone(),
            source_digest: Some((&spec.source_digest).into()),
            destination_region_id: spec.destination.region.to_string(),
            destination_tenant_id: spec.destination.tenant.to_string(),
            if_identical: v1::IfIdentical::from(spec.if_identical).into(),
            requested_by: spec.requested_by.to_string(),
            traceparent: spec.traceparent.clone(),
            plan_id: spec.plan_id.map(|id| id.to_string()),
            retry_of: spec.retry_of.map(|id| id.to_string()),
        }
    }
}

impl TryFrom<v1::CopySpec> for CopySpec {
    type Error = InvalidField;

    fn try_from(spec: v1::CopySpec) -> Result<Self, InvalidField> {
        let if_identical = match spec.if_identical() {
            v1::IfIdentical::Copy => IfIdentical::Copy,
            v1::IfIdentical::Reuse => IfIdentical::Reuse,
            v1::IfIdentical::Unspecified => return Err(InvalidField::missing("spec.if_identical")),
        };
        Ok(Self {
            source: Source {
                image: parse("spec.source_image_id", &spec.source_image_id)?,
                region: RegionId::new(spec.source_region_id),
                tenant: TenantId::new(spec.source_tenant_id),
            },
            source_image_name: spec.source_image_name,
            source_digest: required("spec.source_digest", spec.source_digest)?.into(),
            destination: Destination {
                region: RegionId::new(spec.destination_region_id),
                tenant: TenantId::new(spec.destination_tenant_id),
            },
            if_identical,
            requested_by: UserId::new(spec.requested_by),
            traceparent: spec.traceparent,
            plan_id: parse_optional("spec.plan_id", spec.plan_id.as_deref())?,
            retry_of: parse_optional("spec.retry_of", spec.retry_of.as_deref())?,
        })
    }
}

impl From<IfIdentical> for v1::IfIdentical {
    fn from(choice: IfIdentical) -> Self {
        match choice {
            IfIdentical::Copy => Self::Copy,
            IfIdentical::Reuse => Self::Reuse,
        }
    }
}

impl From<&ImageDigest> for v1::ImageDigest {
    fn from(digest: &ImageDigest) -> Self {
        Self {
            size_bytes: digest.size_bytes,
            checksum: digest.checksum.clone(),
            os_hash_algo: digest.os_hash_algo.clone(),
            os_hash_value: digest.os_hash_value.clone(),
        }
    }
}

impl From<v1::ImageDigest> for ImageDigest {
    fn from(digest: v1::ImageDigest) -> Self {
        Self {
            size_bytes: digest.size_bytes,
            checksum: digest.checksum,
            os_hash_algo: digest.os_hash_algo,
            os_hash_value: digest.os_hash_value,
        }
    }
}

impl From<JobStatus> for v1::JobStatus {
    fn from(status: JobStatus) -> Self {
        match status {
            JobStatus::ReplicateRequested => Self::ReplicateRequested,
            JobStatus::Replicating => Self::Replicating,
            JobStatus::Replicated => Self::Replicated,
            JobStatus::CancelRequested => Self::CancelRequested,
            JobStatus::Canceling => Self::Canceling,
            JobStatus::Canceled => Self::Canceled,
            JobStatus::Error => Self::Error,
        }
    }
}

impl TryFrom<v1::JobStatus> for JobStatus {
    type Error = InvalidField;

    fn try_from(status: v1::JobStatus) -> Result<Self, InvalidField> {
        match status {
            v1::JobStatus::Unspecified => Err(InvalidField::missing("status")),
            v1::JobStatus::ReplicateRequested => Ok(Self::ReplicateRequested),
            v1::JobStatus::Replicating => Ok(Self::Replicating),
            v1::JobStatus::Replicated => Ok(Self::Replicated),
            v1::JobStatus::CancelRequested => Ok(Self::CancelRequested),
            v1::JobStatus::Canceling => Ok(Self::Canceling),
            v1::JobStatus::Canceled => Ok(Self::Canceled),
            v1::JobStatus::Error => Ok(Self::Error),
        }
    }
}

impl From<&JobError> for v1::JobError {
    fn from(error: &JobError) -> Self {
        Self {
            code: error.code.to_string(),
            message: error.message.clone(),
        }
    }
}

impl TryFrom<v1::JobError> for JobError {
    type Error = InvalidField;

    fn try_from(error: v1::JobError) -> Result<Self, InvalidField> {
        Ok(Self {
            code: parse("error.code", &error.code)?,
            message: error.message,
        })
    }
}

impl From<&JobView> for v1::Job {
    fn from(job: &JobView) -> Self {
        Self {
            job_id: job.id.to_string(),
            spec: Some((&job.spec).into()),
            status: v1::JobStatus::from(job.status).into(),
            copy_progress: job.copy_progress.into(),
            destination_image_id: job.destination_image_id.map(|id| id.to_string()),
            bytes_copied: job.bytes_copied,
            attempt: job.attempt,
            error: job.error.as_ref().map(Into::into),
            created_at_ms: job.created_at.as_millisecond(),
            started_at_ms: job.started_at.map(Timestamp::as_millisecond),
            updated_at_ms: job.updated_at.as_millisecond(),
            finished_at_ms: job.finished_at.map(Timestamp::as_millisecond),
        }
    }
}

impl TryFrom<v1::Job> for JobView {
    type Error = InvalidField;

    fn try_from(job: v1::Job) -> Result<Self, InvalidField> {
        Ok(Self {
            id: parse("job.job_id", &job.job_id)?,
            status: job.status().try_into()?,
            spec: required("job.spec", job.spec)?.try_into()?,
            copy_progress: u8::try_from(job.copy_progress)
                .map_err(|error| InvalidField::new("job.copy_progress", error))?,
            destination_image_id: parse_optional(
                "job.destination_image_id",
                job.destination_image_id.as_deref(),
            )?,
            bytes_copied: job.bytes_copied,
            attempt: job.attempt,
            error: job.error.map(TryInto::try_into).transpose()?,
            created_at: timestamp("job.created_at_ms", job.created_at_ms)?,
            started_at: optional_timestamp("job.started_at_ms", job.started_at_ms)?,
            updated_at: timestamp("job.updated_at_ms", job.updated_at_ms)?,
            finished_at: optional_timestamp("job.finished_at_ms", job.finished_at_ms)?,
        })
    }
}

pub(super) fn timestamp(field: &'static str, milliseconds: i64) -> Result<Timestamp, InvalidField> {
    Timestamp::from_millisecond(milliseconds).map_err(|error| InvalidField::new(field, error))
}

pub(super) fn optional_timestamp(
    field: &'static str,
    milliseconds: Option<i64>,
) -> Result<Option<Timestamp>, InvalidField> {
    milliseconds
        .map(|milliseconds| timestamp(field, milliseconds))
        .transpose()
}
