//! The job as the store keeps it: everything that a decision needs, in one versioned document.
//!
//! Invariant: the record is only ever changed by the functions of [`crate::lifecycle`], and the
//! index entries of the store are a function of it ([`crate::store::placement`]), so nothing about
//! a job is known anywhere else.

use std::time::Duration;

use domain::{
    ClaimId, CopySpec, Grant, ImageId, JobError, JobId, JobStatus, JobView, LeaseToken, PlanId,
    RegionId, Stage, TenantId, Unit, UnitKind, WorkerId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::task::{ErrandResult, Task};

/// The version of the stored form. A record of another format is refused, never guessed at.
pub const FORMAT: u32 = 1;

/// Acts that a record keeps: the newest ones.
pub const MOST_ACTS: usize = 20;

/// A job as stored. Fields that a newer version of one [`FORMAT`] adds are passed over, so that old and
/// new schedulers can run side by side while they are replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// [`FORMAT`] of the writer.
    pub format: u32,
    /// The job.
    pub id: JobId,
    /// What is to be done.
    #[serde(flatten)]
    pub task: Task,
    /// The key under which the caller may repeat the request.
    pub idempotency: Option<Idempotency>,
    /// Where it stands; written by [`crate::job_state::next`] alone.
    pub status: JobStatus,
    /// Percent, the highest ever reached.
    pub copy_progress: u8,
    /// Bytes that the current attempt has delivered.
    pub bytes_copied: u64,
    /// Attempts granted so far.
    pub attempt: u32,
    /// Attempts that ended with a transient failure; bounded by `max_attempts`.
    pub failures: u32,
    /// Of those, the ones in which source and destination differed after the copy.
    pub mismatches: u32,
    /// Leases that ran out, but for those of clean-ups; bounded by `max_lost_leases`.
    pub lost_leases: u32,
    /// Clean-ups that ended with something left; sets their backoff, bounded by nothing.
    pub clean_up_failures: u32,
    /// Who works on it, or did until the lease lapsed and nobody has taken over yet.
    pub lease: Option<Lease>,
    /// The last lease that ended with a finish: repeating that finish gets the same verdict.
    pub last_finished: Option<LeaseToken>,
    /// The current attempt's image once Glance has it.
    pub image: Option<ImageId>,
    /// An image of another job that stands for the copy, or is about to. No plan's rotation removes it while it is
    /// in here.
    #[serde(default)]
    pub reused: Option<ImageId>,
    /// Images that were granted and are not known to be gone, the running attempt's included. An id
    /// is in here before Glance hears of it.
    pub leftovers: Vec<ImageId>,
    /// Backoff: no unit is granted before this.
    pub waiting_until: Option<Timestamp>,
    /// When the job becomes an error unless something happens first.
    pub deadline: Option<Deadline>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the first attempt was granted.
    pub started_at: Option<Timestamp>,
    /// When anything changed last.
    pub updated_at: Timestamp,
    /// When it reached its final status.
    pub finished_at: Option<Timestamp>,
    /// What an errand came to.
    #[serde(default)]
    pub errand_result: Option<ErrandResult>,
    /// Whether the plan that it is done for knows how it ended.
    #[serde(default)]
    pub told_plan: bool,
    /// What operators did to it, the oldest first; at most [`MOST_ACTS`] of them.
    #[serde(default)]
    pub acts: Vec<Act>,
}

/// An operator's act on a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who, in the operator's own words.
    pub operator: String,
    /// What, for example `cancel`.
    pub verb: String,
}

/// The caller's key and what it was used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The caller's key, unique within the tenant for the configured window.
    pub key: String,
    /// A digest of the request's body.
    pub request_digest: String,
}

/// The right to work on a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Proof of it, carried by each write of the worker.
    pub token: LeaseToken,
    /// The worker's request that it answered.
    pub claim: ClaimId,
    /// Who holds it; shown to people.
    pub worker: WorkerId,
    /// What was granted.
    pub kind: UnitKind,
    /// Renewed by each report.
    pub expires_at: Timestamp,
    /// It ran out: another attempt may take over. Until one does, the token still renews and
    /// finishes.
    pub lapsed: bool,
    /// How far the worker says it is.
    pub stage: Option<Stage>,
}

/// A moment at which the job is given up, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub kind: DeadlineKind,
}

/// What a deadline is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineKind {
    /// No worker has started on it.
    Queue,
    /// It has not ended.
    Job,
    /// A cancel has not been cleaned up.
    CleanUp,
}

/// Whose jobs these are: a project of a source region. The unit of visibility, queue limits and
/// idempotency keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The source region.
    pub region: RegionId,
    /// The project that the copy was requested in.
    pub tenant: TenantId,
}

// === impl JobRecord ===

impl JobRecord {
    /// Whose job it is; an errand is nobody's.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        self.task.owner()
    }

    /// The region whose workers do it.
    #[must_use]
    pub const fn region(&self) -> &RegionId {
        self.task.region()
    }

    /// The region whose images it looks at.
    #[must_use]
    pub const fn source_region(&self) -> &RegionId {
        self.task.source_region()
    }

    /// What is copied where; none for an errand.
    #[must_use]
    pub const fn copy(&self) -> Option<&CopySpec> {
        self.task.copy()
    }

    /// The work that the job needs next, whether or not somebody is on it now.
    #[must_use]
    pub fn unit(&self) -> Option<UnitKind> {
        match self.status {
            JobStatus::ReplicateRequested | JobStatus::Replicating => Some(self.task.kind()),
            // An errand leaves nothing behind.
            JobStatus::CancelRequested | JobStatus::Canceling => {
                self.copy().map(|_| UnitKind::CleanUp)
            }
            JobStatus::Replicated | JobStatus::Canceled | JobStatus::Error => {
                (!self.leftovers.is_empty()).then_some(UnitKind::CleanUp)
            }
        }
    }

    /// The lease, unless it has lapsed.
    #[must_use]
    pub fn held_lease(&self) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| !lease.lapsed)
    }

    /// Whether nothing will ever happen to it again: final, clean, nobody on it and nobody to be told.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.status.is_final()
            && self.leftovers.is_empty()
            && self.held_lease().is_none()
            && self.untold_plan().is_none()
    }

    /// Notes what an operator did.
    pub fn note(&mut self, act: Act) {
        self.acts.push(act);
        let surplus = self.acts.len().saturating_sub(MOST_ACTS);
        self.acts.drain(..surplus);
    }

    /// The plan that it was done for and that does not know yet how it ended.
    #[must_use]
    pub fn untold_plan(&self) -> Option<PlanId> {
        let is_news = self.status.is_final() && !self.told_plan;
        self.task.plan().filter(|_| is_news)
    }

    /// The images to be settled by the holder of the lease: all but the one that it makes itself.
    #[must_use]
    pub fn leftovers_for_holder(&self) -> Vec<ImageId> {
        let own = match self.lease.as_ref().map(|lease| lease.kind) {
            Some(UnitKind::Copy) => Some(self.attempt_image()),
            _ => None,
        };
        let others = self.leftovers.iter().copied();
        others.filter(|id| Some(*id) != own).collect()
    }

    /// The image id of the current attempt.
    #[must_use]
    pub fn attempt_image(&self) -> ImageId {
        self.id.image_of_attempt(self.attempt)
    }

    /// The grant that the current lease stands for; the same for a repeated claim.
    #[must_use]
    pub fn grant(&self, lease_length: Duration) -> Option<Grant> {
        let lease = self.lease.as_ref()?;
        Some(Grant {
            unit: match (&self.task, lease.kind) {
                (Task::Copy(spec), UnitKind::CleanUp) => Unit::CleanUp(spec.clone()),
                (Task::Copy(spec), _) => Unit::Copy(spec.clone()),
                (Task::Resolve(fire), _) => Unit::Resolve(fire.clone()),
                (Task::Remove(removal), _) => Unit::Remove(removal.clone()),
                (Task::FindOrphans(search), _) => Unit::FindOrphans(search.clone()),
                (Task::RemoveOrphan(removal), _) => Unit::RemoveOrphan(removal.clone()),
            },
            job_id: self.id,
            attempt: self.attempt,
            lease_token: lease.token,
            lease_length,
            destination_image_id: match lease.kind {
                UnitKind::Copy => Some(self.attempt_image()),
                _ => None,
            },
            leftovers: self.leftovers_for_holder(),
            cancel_requested: self.status.is_being_canceled() || self.status == JobStatus::Canceled,
        })
    }

    /// What callers may see of it; of an errand, nothing.
    #[must_use]
    pub fn view(&self) -> Option<JobView> {
        Some(JobView {
            id: self.id,
            spec: self.copy()?.clone(),
            status: self.status,
            copy_progress: self.copy_progress,
            destination_image_id: match self.status {
                JobStatus::Error | JobStatus::Canceled => None,
                _ => self.image,
            },
            bytes_copied: self.bytes_copied,
            attempt: self.attempt,
            error: self.error.clone(),
            created_at: self.created_at,
            started_at: self.started_at,
            updated_at: self.updated_at,
            finished_at: self.finished_at,
        })
    }
}
