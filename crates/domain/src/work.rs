//! What passes between the scheduler, which grants work, and a worker, which does it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ImageId, JobError, JobId, LeaseToken, OrphansFound, ReplicaFate, ResolvedImage, Unit};

/// One unit of work with the lease under which it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What to do.
    pub unit: Unit,
    /// For which job.
    pub job_id: JobId,
    /// Number of this attempt, from 1. A clean-up keeps the number of the last attempt.
    pub attempt: u32,
    /// Proof of the lease.
    pub lease_token: LeaseToken,
    /// The lease ends this long after the claim was *sent*, unless renewed.
    pub lease_length: Duration,
    /// The image that this attempt makes; only a copy has one.
    pub destination_image_id: Option<ImageId>,
    /// Images of earlier attempts to copy, to be settled before anything else.
    pub leftovers: Vec<ImageId>,
    /// Whether the job is being canceled: then no leftover is adopted.
    pub cancel_requested: bool,
}

/// How far an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Settling leftovers.
    Settling,
    /// Creating the destination image.
    Creating,
    /// Moving bytes.
    Copying,
    /// Comparing hashes and revealing the image.
    Verifying,
    /// A cancel was heard; the destination is being cleaned.
    Canceling,
}

/// A worker's word on an attempt; renews the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressReport {
    /// The job.
    pub job_id: JobId,
    /// Proof of the lease.
    pub lease_token: LeaseToken,
    /// How far it is.
    pub stage: Stage,
    /// Bytes that the destination has taken in this attempt.
    pub bytes_copied: u64,
    /// The attempt's image, once Glance has it.
    pub image: Option<ImageId>,
    /// Leftovers that are known to be gone for good.
    pub settled: Vec<ImageId>,
}

/// The scheduler's answer to a report. Each answer to a valid token also renews the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directive {
    /// Go on.
    Continue,
    /// The caller asked for a cancel: clean the destination and finish with [`Outcome::Cleaned`].
    Cancel,
    /// Another attempt has taken over, or the job is over: stop, and touch nothing.
    Stop,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The image is verified and visible.
    Replicated {
        /// This attempt's image, or a leftover that was adopted.
        image: ImageId,
    },
    /// No copy was made: an identical image that the service had made before stands for it.
    Reused {
        /// Of another job; this one has made nothing.
        image: ImageId,
    },
    /// The images of a plan's fire are found.
    Resolved {
        /// One each.
        images: Vec<ResolvedImage>,
    },
    /// The region's images whose job nobody knows are found.
    OrphansFound(OrphansFound),
    /// It is settled what becomes of a replica or an orphan that was to be removed.
    Removed(ReplicaFate),
    /// The attempt failed.
    Failed {
        /// Why.
        error: JobError,
        /// Whether another attempt may succeed.
        transient: bool,
    },
    /// Nothing of the job is left at the destination, but for what `settled` lacks.
    Cleaned,
    /// The worker gives the unit back (it is shutting down): another may start at once.
    HandedBack,
}

/// The end of an attempt. Repeating it is harmless: the token says which attempt it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// The job.
    pub job_id: JobId,
    /// Proof of the lease.
    pub lease_token: LeaseToken,
    /// How it ended.
    pub outcome: Outcome,
    /// Images, this attempt's own included, that are known to be gone for good.
    pub settled: Vec<ImageId>,
    /// Bytes that the destination took in this attempt.
    pub bytes_copied: u64,
}

/// What the scheduler made of a [`Finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishVerdict {
    /// It stands; the lease is over. Also the answer to a repeated call.
    Committed,
    /// The job is being canceled: delete the image and finish with [`Outcome::Cleaned`].
    Discard,
    /// Another attempt has taken over and answers for every leftover: touch nothing.
    Superseded,
    /// Said of [`Outcome::Reused`]: from now on no plan's rotation removes the image. See whether it is still there, and
    /// finish again.
    LookAgain,
}
