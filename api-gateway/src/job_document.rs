//! The job document: what a caller sees of a job.
//!
//! The first ten keys are the documented ones, in their documented order; existing clients crash when
//! one of them is missing, null (but for `destination_image_id`) or of another type. What follows them
//! is ours, and those clients ignore it.

use domain::{JobStatus, JobView};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

/// A copy job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(examples(json!({
    "copy_progress": 42,
    "destination_image_id": "0c6d7f8e-6a7c-5b43-9d0e-2f6f1d0a9b11",
    "destination_region_id": "ot2",
    "destination_tenant_id": "91b5c7c09cbd45caa3c146fd67ae471e",
    "job_id": "33911588-c299-4369-a240-7e5b741cdb6a",
    "source_image_id": "335eef3f-551d-46e1-8781-173f43209d48",
    "source_image_name": "Test-image-Ubuntu",
    "source_region_id": "ot1",
    "source_tenant_id": "236ae314ef6944f4ab98fa7519e54325",
    "status": "replicating",
    "error": null,
    "bytes_copied": 902_807_552,
    "bytes_total": 2_147_483_648_u64,
    "attempt": 1,
    "created_at": "2026-03-01T09:15:00Z",
    "started_at": "2026-03-01T09:15:02Z",
    "updated_at": "2026-03-01T09:15:40Z",
    "finished_at": null,
    "plan_id": null
})))]
pub(crate) struct JobDocument {
    /// Percent, the highest ever reached: 0 to 99 until the job is `replicated`, then 100.
    #[schema(minimum = 0, maximum = 100)]
    copy_progress: u8,
    /// The new image, as soon as the destination's Glance has it; null before that, in `error` and
    /// in `canceled`.
    #[schema(required = true)]
    destination_image_id: Option<Uuid>,
    /// The region that the image is copied to.
    destination_region_id: String,
    /// The project that owns the new image.
    destination_tenant_id: String,
    /// The job.
    job_id: Uuid,
    /// The image that is copied.
    source_image_id: Uuid,
    /// Its name when the copy was requested; empty when it had none.
    source_image_name: String,
    /// The region that the image is copied from.
    source_region_id: String,
    /// The project that requested the copy. It need not own the image.
    source_tenant_id: String,
    /// Where the job stands.
    #[schema(value_type = Status)]
    status: &'static str,
    /// Why the job failed, when it did.
    #[schema(required = true)]
    error: Option<JobFailure>,
    /// Bytes that the current attempt has delivered; restarts with a new attempt.
    bytes_copied: u64,
    /// Size of the image in bytes.
    bytes_total: u64,
    /// Attempts begun so far.
    attempt: u32,
    /// When the job was accepted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    /// When the first attempt began.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    started_at: Option<Moment>,
    /// When anything of the job changed last.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
    /// When the job reached its final status.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    finished_at: Option<Moment>,
    /// The recurring copy that requested the job, when one did.
    #[schema(required = true)]
    plan_id: Option<Uuid>,
    /// Only of a job with which an operator made a failed or canceled one again: that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_of: Option<Uuid>,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct JobFailure {
    /// A stable name of the cause.
    #[schema(examples("destination_quota_exceeded"))]
    code: &'static str,
    /// What happened and what to do about it.
    message: String,
}

/// A time in UTC, written to the millisecond whatever the millisecond (RFC 3339), so that times sort as texts do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment(Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0))
    }
}

/// The answer to an accepted copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct AcceptedJob {
    /// The job that makes the copy.
    pub job_id: Uuid,
}

/// The statuses of a job. `replicated`, `canceled` and `error` are final.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(
    dead_code,
    reason = "describes the strings of `JobStatus` in the API document"
)]
pub(crate) enum Status {
    /// Accepted; no worker has started on it.
    ReplicateRequested,
    /// Being copied, or waiting for another attempt.
    Replicating,
    /// The new image is verified and visible.
    Replicated,
    /// A cancel was requested and has yet to be acted on.
    CancelRequested,
    /// The destination is being cleaned.
    Canceling,
    /// Nothing of the job is left at the destination.
    Canceled,
    /// The job failed; `error` says why.
    Error,
}

impl From<JobView> for JobDocument {
    fn from(job: JobView) -> Self {
        Self {
            copy_progress: job.copy_progress,
            destination_image_id: job.destination_image_id.map(|id| *id.as_uuid()),
            destination_region_id: job.spec.destination.region.to_string(),
            destination_tenant_id: job.spec.destination.tenant.to_string(),
            job_id: *job.id.as_uuid(),
            source_image_id: *job.spec.source.image.as_uuid(),
            source_image_name: job.spec.source_image_name,
            source_region_id: job.spec.source.region.to_string(),
            source_tenant_id: job.spec.source.tenant.to_string(),
            status: JobStatus::as_str(job.status),
            error: job.error.map(|error| JobFailure {
                code: error.code.as_str(),
                message: error.message,
            }),
            bytes_copied: job.bytes_copied,
            bytes_total: job.spec.source_digest.size_bytes,
            attempt: job.attempt,
            created_at: Moment(job.created_at),
            started_at: job.started_at.map(Moment),
            updated_at: Moment(job.updated_at),
            finished_at: job.finished_at.map(Moment),
            plan_id: job.spec.plan_id.map(|id| *id.as_uuid()),
            retry_of: job.spec.retry_of.map(|id| *id.as_uuid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{CopySpec, Destination, IfIdentical, ImageDigest, RegionId, Source};
    use domain::{JobError, TenantId, UserId};
    use serde_json::{Value, json};

    use super::*;

    fn job() -> JobView {
        let at = "2016-06-10T04:30:21Z".parse().expect("a time");
        JobView {
            id: "33911588-c299-4369-a240-7e5b741cdb6a"
                .parse()
                .expect("an id"),
            spec: CopySpec {
                source: Source {
                    region: RegionId::new("ot1"),
                    tenant: TenantId::new("236ae314ef6944f4ab98fa7519e54325"),
                    image: "335eef3f-551d-46e1-8781-173f43209d48"
                        .parse()
                        .expect("an id"),
                },
                source_image_name: "Test-image-Ubuntu".to_owned(),
                source_digest: ImageDigest {
                    size_bytes: 258_080_768,
                    checksum: None,
                    os_hash_algo: None,
                    os_hash_value: None,
                },
                destination: Destination {
                    region: RegionId::new("ot2"),
                    tenant: TenantId::new("91b5c7c09cbd45caa3c146fd67ae471e"),
                },
                if_identical: IfIdentical::Copy,
                requested_by: UserId::new("d1899d7f32d64b1bb95e262e7a6a4bc2"),
                traceparent: None,
                plan_id: None,
                retry_of: None,
            },
            status: JobStatus::CancelRequested,
            copy_progress: 0,
            destination_image_id: None,
            bytes_copied: 0,
            attempt: 0,
            error: None,
            created_at: at,
            started_at: None,
            updated_at: at,
            finished_at: None,
        }
    }

    /// The example of the service that this API was first documented for.
    const DOCUMENTED: &str = r#"{"copy_progress": 0, "destination_image_id": null, "destination_region_id": "ot2", "destination_tenant_id": "91b5c7c09cbd45caa3c146fd67ae471e", "job_id": "33911588-c299-4369-a240-7e5b741cdb6a", "source_image_id": "335eef3f-551d-46e1-8781-173f43209d48", "source_image_name": "Test-image-Ubuntu", "source_region_id": "ot1", "source_tenant_id": "236ae314ef6944f4ab98fa7519e54325", "status": "cancel_requested"}"#;

    #[test]
    fn the_documented_example_is_rendered_key_by_key() {
        let documented: Value = serde_json::from_str(DOCUMENTED).expect("JSON");
        let rendered = serde_json::to_value(JobDocument::from(job())).expect("JSON");
        for (key, value) in documented.as_object().expect("an object") {
            assert_eq!(rendered.get(key), Some(value), "{key}");
        }
    }

    #[test]
    fn the_documented_keys_come_first_and_in_their_order() {
        let text = serde_json::to_string(&JobDocument::from(job())).expect("JSON");
        let documented = DOCUMENTED.replace(": ", ":").replace(", ", ",");
        let head = documented.trim_end_matches('}');
        assert!(text.starts_with(head), "{text}\n{head}");
    }

    #[test]
    fn further_keys_say_how_it_goes() {
        let mut failed = job();
        failed.status = JobStatus::Error;
        failed.error = Some(JobError::new(
            domain::ErrorCode::DestinationQuotaExceeded,
            "no quota is left",
        ));
        failed.finished_at = Some(failed.created_at);
        let rendered = serde_json::to_value(JobDocument::from(failed)).expect("JSON");
        assert_eq!(
            rendered["error"],
            json!({"code": "destination_quota_exceeded", "message": "no quota is left"})
        );
        assert_eq!(rendered["bytes_total"], 258_080_768);
        assert_eq!(rendered["finished_at"], "2016-06-10T04:30:21.000Z");
        assert_eq!(rendered["plan_id"], Value::Null);
        assert_eq!(rendered.as_object().map(serde_json::Map::len), Some(19));
    }
}
