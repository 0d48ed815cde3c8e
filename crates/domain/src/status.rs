//! The seven statuses that callers see.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a job stands. The names are the wire's ("one l": `canceled`).
///
/// Which status may follow which is decided by the scheduler's state function alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Accepted; no worker has started on it.
    ReplicateRequested,
    /// An attempt has been granted; stays so between attempts.
    Replicating,
    /// The destination image is verified and visible. Final.
    Replicated,
    /// The caller asked for a cancel; a worker has yet to hear of it.
    CancelRequested,
    /// A worker is cleaning the destination.
    Canceling,
    /// The destination holds nothing of the job. Final.
    Canceled,
    /// The job ended without an image; the reason is in the job's error. Final.
    Error,
}

impl JobStatus {
    /// Every status, in the order of a job's life.
    pub const ALL: [Self; 7] = [
        Self::ReplicateRequested,
        Self::Replicating,
        Self::Replicated,
        Self::CancelRequested,
        Self::Canceling,
        Self::Canceled,
        Self::Error,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReplicateRequested => "replicate_requested",
            Self::Replicating => "replicating",
            Self::Replicated => "replicated",
            Self::CancelRequested => "cancel_requested",
            Self::Canceling => "canceling",
            Self::Canceled => "canceled",
            Self::Error => "error",
        }
    }

    /// Whether the status never changes again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Replicated | Self::Canceled | Self::Error)
    }

    /// Whether the caller has asked for a cancel that has not ended yet.
    #[must_use]
    pub const fn is_being_canceled(self) -> bool {
        matches!(self, Self::CancelRequested | Self::Canceling)
    }

    /// Whether a caller may still ask for a cancel.
    #[must_use]
    pub const fn can_be_canceled(self) -> bool {
        matches!(self, Self::ReplicateRequested | Self::Replicating)
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is none of the seven statuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown status `{0}`")]
pub struct UnknownStatus(String);

impl FromStr for JobStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_reads_back_from_its_name() {
        for status in JobStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json_name(status), status.as_str());
        }
        assert!("cancelled".parse::<JobStatus>().is_err());
    }

    fn serde_json_name(status: JobStatus) -> String {
        use serde::de::IntoDeserializer;
        let back = JobStatus::deserialize(
            IntoDeserializer::<serde::de::value::Error>::into_deserializer(status.as_str()),
        );
        back.expect("serde knows the wire name").as_str().to_owned()
    }
}
