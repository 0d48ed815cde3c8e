//! What is to be copied, and what callers are told about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ImageId, JobError, JobId, JobStatus, PlanId, RegionId, TenantId, UserId};

/// The image to copy, seen from the caller: `tenant` is the caller's project, which need not own
/// the image (it may be shared, community or public).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The gateway's own region.
    pub region: RegionId,
    /// The project that the copy was requested in.
    pub tenant: TenantId,
    /// The image.
    pub image: ImageId,
}

/// Where the copy goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The region, resolved from the tenant at admission.
    pub region: RegionId,
    /// The owner of the new image.
    pub tenant: TenantId,
}

/// What Glance says of an image's bytes. Two images are the same when these agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageDigest {
    /// Size in bytes.
    pub size_bytes: u64,
    /// The md5 of old images; the last resort.
    pub checksum: Option<String>,
    /// The algorithm of `os_hash_value`, for example `sha512`.
    pub os_hash_algo: Option<String>,
    /// The multihash that Glance computed while the image was uploaded, in hex.
    pub os_hash_value: Option<String>,
}

/// Whether an identical image at the destination may stand in for a new one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfIdentical {
    /// Always make a new image.
    #[default]
    Copy,
    /// End the job with an image that this service made, when it has the same hash and properties.
    Reuse,
}

/// Everything a worker needs to know to make a copy. Fixed at admission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopySpec {
    /// The image to copy.
    pub source: Source,
    /// Its name at admission; empty when it has none.
    pub source_image_name: String,
    /// Its size and hashes at admission: a source that differs later has changed.
    pub source_digest: ImageDigest,
    /// Where it goes.
    pub destination: Destination,
    /// Whether an identical image may be reused.
    pub if_identical: IfIdentical,
    /// The user who asked; for the audit trail.
    pub requested_by: UserId,
    /// W3C trace context of the request, so that a retry an hour later is in the same trace.
    pub traceparent: Option<String>,
    /// The plan whose fire made this job, if one did.
    pub plan_id: Option<PlanId>,
    /// The job that failed or was canceled, and that an operator had made again as this one. Nobody showed a token
    /// for it, so its worker asks first whether the copy may still be made.
    pub retry_of: Option<JobId>,
}

/// A job as callers may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// What is copied where.
    pub spec: CopySpec,
    /// Where it stands.
    pub status: JobStatus,
    /// Percent, the highest ever reached: 0–99 until `replicated`, then 100.
    pub copy_progress: u8,
    /// The current attempt's image once Glance has it; none in `error` and `canceled`.
    pub destination_image_id: Option<ImageId>,
    /// Bytes that this attempt has delivered; may restart with a new attempt.
    pub bytes_copied: u64,
    /// Attempts granted so far.
    pub attempt: u32,
    /// Why it failed, when it did.
    pub error: Option<JobError>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the first attempt was granted.
    pub started_at: Option<Timestamp>,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
    /// When it reached its final status.
    pub finished_at: Option<Timestamp>,
}
