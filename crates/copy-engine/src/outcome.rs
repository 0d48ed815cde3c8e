//! The one table from what OpenStack said, and when, to what a job is told.
//!
//! Invariant: total. Every error in every step has a code, a sentence that a person can act on, and
//! the verdict whether another attempt may succeed. Final is only what another attempt cannot
//! change: a refusal, a full quota, an image that is gone. The scheduler owns the retries and counts
//! them, so what is merely unlikely to heal is transient here.

use domain::{CopySpec, Destination, ErrorCode, JobError};
use openstack::Error;

/// How Glance says that its disk is full (`glance_store`, `StorageFull`), with the status of an exceeded quota.
const STORE_FULL: &str = "not enough disk space";

/// Why a unit failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// The cause, for the caller.
    pub error: JobError,
    /// Whether another attempt may succeed.
    pub transient: bool,
}

/// What was being done when an error came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Showing the source image.
    ReadSource,
    /// Reading its bytes.
    Download,
    /// Creating the destination image.
    Create,
    /// Writing its bytes.
    Upload,
    /// Showing the destination image or reading it back.
    ReadDestination,
    /// The PATCH that makes it visible.
    Reveal,
    /// Removing an image that is not to stay.
    Remove,
}

// === impl Failure ===

impl Failure {
    /// What an error means that came before the engine could be used: no token or no endpoint for
    /// the source's project.
    #[must_use]
    pub fn at_source(error: &Error, spec: &CopySpec) -> Self {
        judge(Step::ReadSource, error, spec)
    }

    /// The same for the destination's project.
    #[must_use]
    pub fn at_destination(error: &Error, spec: &CopySpec) -> Self {
        judge(Step::Create, error, spec)
    }

    /// What an error means that came while a replica was looked at or removed.
    #[must_use]
    pub fn at_replica(error: &Error, destination: &Destination) -> Self {
        judge_destination(Step::Remove, error, destination)
    }

    pub(crate) fn transient(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            error: JobError::new(code, message),
            transient: true,
        }
    }

    pub(crate) fn fatal(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            error: JobError::new(code, message),
            transient: false,
        }
    }
}

/// What an error in a step means for the copy.
pub(crate) fn judge(step: Step, error: &Error, spec: &CopySpec) -> Failure {
    match step {
        Step::ReadSource | Step::Download => judge_source(error, spec),
        Step::Create | Step::Upload | Step::ReadDestination | Step::Reveal | Step::Remove => {
            judge_destination(step, error, &spec.destination)
        }
    }
}

fn judge_source(error: &Error, spec: &CopySpec) -> Failure {
    let (region, tenant) = (&spec.source.region, &spec.source.tenant);
    let unavailable = || {
        Failure::transient(
            ErrorCode::SourceUnavailable,
            format!("the image service of the source region {region} failed: {error}"),
        )
    };
    let gone = || {
        Failure::fatal(
            ErrorCode::SourceGone,
            format!(
                "the source image no longer exists in region {region}, or project {tenant} can no \
                 longer see it"
            ),
        )
    };
    match error {
        Error::NotFound(_) | Error::Gone(_) => gone(),
        Error::Forbidden(words) => Failure::fatal(
            ErrorCode::SourceRefused,
            format!(
                "region {region} does not let this service read the image: {words}; the service \
                 user needs a role that may download images in project {tenant}, and the image \
                 must not be deactivated"
            ),
        ),
        Error::Unauthorized(_) => Failure::transient(
            ErrorCode::SourceRefused,
            format!("region {region} does not accept the service user's token: {error}"),
        ),
        Error::NoToken { .. } if error.is_outage() => unavailable(),
        Error::NoToken { .. } => Failure::transient(
            ErrorCode::SourceRefused,
            format!(
                "the service user gets no token in region {region}: {error}; it needs a role in \
                 project {tenant}, which must exist and be enabled"
            ),
        ),
        Error::Conflict(_)
        | Error::TooLarge(_)
        | Error::RangeNotSatisfiable(_)
        | Error::TooManyRequests(_)
        | Error::BadRequest { .. }
        | Error::Redirected { .. }
        | Error::ServerError { .. }
        | Error::Unreachable(_)
        | Error::Interrupted(_)
        | Error::Timeout(_)
        | Error::Malformed(_)
        | Error::RangeIgnored(_)
        | Error::Withheld(_)
        | Error::NoEndpoint { .. } => unavailable(),
        Error::UploadBody(_) | Error::Settings(_) => internal(error),
    }
}

fn judge_destination(step: Step, error: &Error, destination: &Destination) -> Failure {
    let Destination { region, tenant } = destination;
    let unavailable = || {
        Failure::transient(
            ErrorCode::DestinationUnavailable,
            format!("the image service of the destination region {region} failed: {error}"),
        )
    };
    let gone = || {
        Failure::fatal(
            ErrorCode::DestinationGone,
            format!("the image was deleted in region {region} while it was being copied"),
        )
    };
    let refused = |words: &dyn std::fmt::Display| {
        Failure::fatal(
            ErrorCode::DestinationRefused,
            format!("region {region} refuses the image for project {tenant}: {words}"),
        )
    };
    match error {
        Error::NotFound(_) | Error::Gone(_) => match step {
            Step::Upload | Step::ReadDestination | Step::Reveal => gone(),
            Step::Create | Step::Remove | Step::ReadSource | Step::Download => unavailable(),
        },
        Error::Forbidden(words) => match step {
            Step::Create | Step::Upload | Step::Reveal => refused(&format_args!(
                "{words}; the service user needs a role in this project that may create images"
            )),
            Step::ReadDestination | Step::Remove | Step::ReadSource | Step::Download => Failure {
                transient: true,
                ..refused(words)
            },
        },
        // Nothing that the tenant did, and nothing that it can do anything about.
        Error::TooLarge(words) if words.contains(STORE_FULL) => Failure::transient(
            ErrorCode::DestinationUnavailable,
            format!(
                "the image store of region {region} is full: {words}; its operators have to make \
                 room"
            ),
        ),
        Error::TooLarge(words) => match step {
            Step::Create | Step::Upload | Step::Reveal => Failure::fatal(
                ErrorCode::DestinationQuotaExceeded,
                format!(
                    "a quota or limit for images of project {tenant} in region {region} is \
                     exceeded: {words}; free some space or have the quota raised, then copy again"
                ),
            ),
            // An id that was never seen is closed by an image of its own, if only for a moment.
            Step::Remove => Failure::transient(
                ErrorCode::DestinationQuotaExceeded,
                format!(
                    "project {tenant} in region {region} has no room for the empty image that the \
                     removal of an unfinished copy takes for a moment: {words}; free some space or \
                     have the quota raised, and the removal goes on by itself"
                ),
            ),
            Step::ReadDestination | Step::ReadSource | Step::Download => unavailable(),
        },
        Error::BadRequest { .. } => match step {
            Step::Create | Step::Reveal => refused(error),
            Step::Upload
            | Step::ReadDestination
            | Step::Remove
            | Step::ReadSource
            | Step::Download => Failure {
                transient: true,
                ..refused(error)
            },
        },
        Error::Unauthorized(_) => Failure::transient(
            ErrorCode::DestinationRefused,
            format!("region {region} does not accept the service user's token: {error}"),
        ),
        Error::NoToken { .. } if error.is_outage() => unavailable(),
        Error::NoToken { .. } => Failure::transient(
            ErrorCode::DestinationRefused,
            format!(
                "the service user gets no token in region {region}: {error}; it needs a role in \
                 project {tenant}, which must exist and be enabled"
            ),
        ),
        Error::Conflict(_)
        | Error::RangeNotSatisfiable(_)
        | Error::TooManyRequests(_)
        | Error::Redirected { .. }
        | Error::ServerError { .. }
        | Error::Unreachable(_)
        | Error::Interrupted(_)
        | Error::Timeout(_)
        | Error::Malformed(_)
        | Error::RangeIgnored(_)
        | Error::UploadBody(_)
        | Error::Withheld(_)
        | Error::NoEndpoint { .. } => unavailable(),
        Error::Settings(_) => internal(error),
    }
}

fn internal(error: &Error) -> Failure {
    Failure::transient(
        ErrorCode::Internal,
        format!("a fault of the replication service: {error}"),
    )
}

#[cfg(test)]
mod tests;
