//! A plan as the store keeps it: what its owner wrote, when it fires next, the run under way and the
//! replicas that it made.
//!
//! Invariant: the record is only ever changed by the functions of [`crate::plan_lifecycle`]. What a decision
//! needs beyond the record (units of work, copies, cancels) stands in its outbox, committed with the decision,
//! and is carried out by the keeper: ids are derived from the fire, so doing it twice does nothing twice.

use domain::{
    ActionId, CopySpec, Creator, Destination, FireId, ImageDigest, ImageId, JobId, PlanAction,
    PlanDocument, PlanEvent, PlanFire, PlanId, RecoveryPoint, RegionId, ReplicaRemoval, RunView,
    TenantId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::job_record::Owner;

/// The version of the stored form. A record of another format is refused, never guessed at.
pub const FORMAT: u32 = 1;

/// A plan as stored. Fields that a newer version of one [`FORMAT`] adds are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRecord {
    /// [`FORMAT`] of the writer.
    pub format: u32,
    /// The plan.
    pub id: PlanId,
    /// The region that it copies from.
    pub region: RegionId,
    /// The project that it belongs to, there.
    pub tenant: TenantId,
    /// Whose rights its fires need.
    pub creator: Creator,
    /// What was written.
    pub document: PlanDocument,
    /// Grows with each edit, from 1.
    pub revision: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was edited last.
    pub updated_at: Timestamp,
    /// When it was committed last, for whatever reason: with the version it tells whether it still is what was read. None in
    /// a record that was written before this was noted.
    #[serde(default)]
    pub changed_at: Option<Timestamp>,
    /// When its schedule was written: intervals count from here.
    pub scheduled_at: Timestamp,
    /// Its schedule is empty and the one fire of that has not been yet.
    pub once_owed: bool,
    /// Its owner stopped it.
    pub stopped: bool,
    /// What it was told last.
    pub last_event: Option<PlanEvent>,
    /// When it fires next.
    pub next_fire: Option<Timestamp>,
    /// The moment that the id of the last fire was made of; those of later fires lie behind it.
    pub last_fire: Option<Timestamp>,
    /// The fire under way; there is never a second one.
    pub run: Option<Run>,
    /// When the last run began.
    pub started_at: Option<Timestamp>,
    /// When that run ended; none while it is under way.
    pub ended_at: Option<Timestamp>,
    /// The last fire that came to its end, or to nothing.
    pub last_run: Option<RunView>,
    /// Every replica that the plan made and that is not known to be gone, the newest first.
    pub points: Vec<Point>,
    /// What is to be done, in this order.
    pub outbox: Vec<Wish>,
    /// When somebody looks whether what the plan waits for still exists.
    pub check_at: Option<Timestamp>,
}

/// A fire under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id; those of its units of work and copies are derived from it.
    pub fire: FireId,
    /// When it was due.
    pub scheduled_for: Timestamp,
    /// When it began.
    pub started_at: Timestamp,
    /// Whose rights it needs.
    pub creator: Creator,
    /// Its owner aborted it.
    pub aborted: bool,
    /// What it does: the actions as they were when it began, an edit does not reach them.
    pub actions: Vec<ActionRun>,
    /// The copy jobs that it made.
    pub jobs: Vec<JobId>,
    /// What went wrong or was left out, a sentence each.
    pub messages: Vec<String>,
    /// Fires that became due meanwhile and were skipped.
    pub skipped: u32,
    /// When the last of them was due.
    pub last_skipped: Option<Timestamp>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// One action of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRun {
    /// The action.
    pub action: PlanAction,
    /// How often it was tried again.
    pub retry: u32,
    /// Where it stands.
    pub phase: Phase,
}

/// Where an action of a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A mandatory one before it has not succeeded yet.
    Waiting,
    /// It failed and is tried again then.
    Paused {
        /// When.
        until: Timestamp,
    },
    /// A worker looks for its images.
    Resolving,
    /// Its images are copied.
    Copying(Copying),
    /// Done.
    Succeeded,
    /// Given up.
    Failed,
    /// Not begun, for a mandatory one before it failed or the run was aborted.
    LeftOut,
}

/// The copies of an action.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copying {
    /// The copies.
    pub copies: Vec<CopyRun>,
    /// Sources whose newest replica has the same bytes.
    pub identical: Vec<ImageId>,
    /// An image could not be copied.
    pub refused: bool,
}

/// One copy of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyRun {
    /// The job.
    pub job: JobId,
    /// The image.
    pub source: ImageId,
    /// Its bytes.
    pub digest: ImageDigest,
    /// How it ended.
    pub end: Option<CopyEnd>,
}

/// How a copy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyEnd {
    /// The replica is there and verified.
    Replicated,
    /// It failed.
    Failed,
    /// Somebody canceled it: it is not tried again.
    Canceled,
}

/// A replica that the plan made, or one that was there and is as good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The action that made it.
    pub action: ActionId,
    /// Whether the action stood for several images: then each has a line of its own.
    pub by_source: bool,
    /// The replica.
    pub point: RecoveryPoint,
    /// The fire whose rotation is removing it.
    pub removing: Option<FireId>,
    /// The plan did not make it: it is never the plan's to remove.
    #[serde(default)]
    pub reused: bool,
}

/// Replicas of which only so many are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The action that makes them.
    pub action: ActionId,
    /// Where they are: a replica elsewhere is no substitute.
    pub destination: Destination,
    /// What they are replicas of, where the action stands for several images.
    pub source: Option<ImageId>,
}

/// What is to be done outside of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Have a worker look for an action's images.
    Resolve {
        /// The unit of work.
        job: JobId,
        /// What it is about.
        fire: Box<PlanFire>,
    },
    /// Create a copy job.
    Copy {
        /// The job.
        job: JobId,
        /// What is copied where.
        spec: Box<CopySpec>,
    },
    /// Cancel a copy job.
    Cancel {
        /// The job.
        job: JobId,
    },
    /// Look which replicas are too many.
    Rotate(Rotation),
    /// Have a worker remove a replica.
    Remove {
        /// The unit of work.
        job: JobId,
        /// Which.
        removal: Box<ReplicaRemoval>,
    },
}

/// A rotation that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The fire after which.
    pub fire: FireId,
    /// Of which replicas.
    pub lines: Vec<Line>,
    /// How many of each line are kept, at least 1.
    pub keep: u32,
}

// === impl PlanRecord ===

impl PlanRecord {
    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner {
            region: self.region.clone(),
            tenant: self.tenant.clone(),
        }
    }

    /// When somebody must look at it next.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        if !self.outbox.is_empty() {
            return Some(Timestamp::UNIX_EPOCH);
        }
        let paused = self.run.iter().flat_map(|run| &run.actions);
        let retries = paused.filter_map(|action| match action.phase {
            Phase::Paused { until } => Some(until),
            _ => None,
        });
        retries.chain(self.next_fire).chain(self.check_at).min()
    }
}

// === impl Run ===

impl Run {
    /// What its owner sees of it; `ended` when it is over.
    #[must_use]
    pub fn view(&self, ended: Option<(Timestamp, domain::RunResult)>) -> RunView {
        let mut messages = self.messages.clone();
        if let Some(last) = self.last_skipped {
            let skipped = self.skipped;
            messages.push(format!(
                "skipped {skipped} later fires, for this one had not ended; the last was due at {last}"
            ));
        }
        RunView {
            scheduled_for: self.scheduled_for,
            started_at: self.started_at,
            ended_at: ended.map(|(at, _)| at),
            result: ended.map(|(_, result)| result),
            messages,
            jobs: self.jobs.clone(),
        }
    }
}

// === impl Phase ===

impl Phase {
    /// Whether nothing more happens to it in this run.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::LeftOut)
    }
}

// === impl Point ===

impl Point {
    /// The line in which it stands.
    #[must_use]
    pub fn line(&self) -> Line {
        Line {
            action: self.action,
            destination: self.point.destination.clone(),
            source: self.by_source.then_some(self.point.source_image_id),
        }
    }
}
