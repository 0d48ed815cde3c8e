//! Why a job failed: a stable code for operators and programs, a sentence for people.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Stable names of failure causes, for programs and alerts; the sentence beside one is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The source image was deleted or its project lost it.
    SourceGone,
    /// The source image is not the one that was asked for any more (size, hash or status differ).
    SourceChanged,
    /// The service user may not read the source image.
    SourceRefused,
    /// The source region's Glance or Keystone does not answer as it should.
    SourceUnavailable,
    /// The destination project has no quota left for the image.
    DestinationQuotaExceeded,
    /// The destination's Glance refuses the image (rights, formats, properties).
    DestinationRefused,
    /// The destination image was deleted by somebody else while it was filled.
    DestinationGone,
    /// The destination region's Glance or Keystone does not answer as it should.
    DestinationUnavailable,
    /// Source and destination differ after the copy, twice.
    VerificationFailed,
    /// The image cannot work without a property that refers into the source region.
    NotPortable,
    /// Who wrote the plan, or asked for the copy that is made again, is gone or has no role any more that it needs.
    CreatorLostRights,
    /// More images have the plan's tag than one fire may copy.
    TooManyImages,
    /// The copy stayed below the configured minimum rate.
    TooSlow,
    /// Workers lost the lease of this job too often.
    WorkersLost,
    /// No worker started on the job within the queue deadline.
    QueueDeadlineExceeded,
    /// The job did not end within the job deadline.
    JobDeadlineExceeded,
    /// The job is over, but something of it is still being removed from the destination.
    CleanUpPending,
    /// A fault of this service.
    Internal,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 18] = [
        Self::SourceGone,
        Self::SourceChanged,
        Self::SourceRefused,
        Self::SourceUnavailable,
        Self::DestinationQuotaExceeded,
        Self::DestinationRefused,
        Self::DestinationGone,
        Self::DestinationUnavailable,
        Self::VerificationFailed,
        Self::NotPortable,
        Self::CreatorLostRights,
        Self::TooManyImages,
        Self::TooSlow,
        Self::WorkersLost,
        Self::QueueDeadlineExceeded,
        Self::JobDeadlineExceeded,
        Self::CleanUpPending,
        Self::Internal,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SourceGone => "source_gone",
            Self::SourceChanged => "source_changed",
            Self::SourceRefused => "source_refused",
            Self::SourceUnavailable => "source_unavailable",
            Self::DestinationQuotaExceeded => "destination_quota_exceeded",
            Self::DestinationRefused => "destination_refused",
            Self::DestinationGone => "destination_gone",
            Self::DestinationUnavailable => "destination_unavailable",
            Self::VerificationFailed => "verification_failed",
            Self::NotPortable => "not_portable",
            Self::CreatorLostRights => "creator_lost_rights",
            Self::TooManyImages => "too_many_images",
            Self::TooSlow => "too_slow",
            Self::WorkersLost => "workers_lost",
            Self::QueueDeadlineExceeded => "queue_deadline_exceeded",
            Self::JobDeadlineExceeded => "job_deadline_exceeded",
            Self::CleanUpPending => "clean_up_pending",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no error code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown error code `{0}`")]
pub struct UnknownErrorCode(String);

impl FromStr for ErrorCode {
    type Err = UnknownErrorCode;

    fn from_str(text: &str) -> Result<Self, UnknownErrorCode> {
        Self::ALL
            .into_iter()
            .find(|code| code.as_str() == text)
            .ok_or_else(|| UnknownErrorCode(text.to_owned()))
    }
}

/// Why a job or an attempt failed. The message is for the caller: it names what to do and never
/// carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct JobError {
    /// The stable cause.
    pub code: ErrorCode,
    /// A sentence that a person can act on.
    pub message: String,
}

impl JobError {
    /// A cause with its sentence.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_from_its_name() {
        for code in ErrorCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(code));
        }
    }
}
