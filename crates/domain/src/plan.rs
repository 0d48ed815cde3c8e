//! Plans: copies that are made again and again, and what is kept of them.
//!
//! A plan's document is what its owner wrote; a run is what a fire of it does. The schedule's grammar is
//! [`crate::Schedule`]'s.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ActionId, Destination, ImageDigest, ImageId, JobId, PlanId, RegionId, ScheduleFields, TenantId,
    UserId,
};

/// Everything that a plan's owner may write; what it leaves out has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanDocument {
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Which client or product made it; only ever echoed.
    pub client_id: String,
    /// A group of plans, as the backup API has it; only ever echoed.
    pub session_id: String,
    /// Counts within the session; only ever echoed.
    pub session_tag: i64,
    /// Keeps it from firing.
    pub disabled: bool,
    /// When it fires, as it was written.
    pub schedule: ScheduleFields,
    /// What a fire does. They begin in this order.
    pub actions: Vec<PlanAction>,
}

/// One copy that a fire makes, or several when a tag means several images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAction {
    /// Its id within the plan; stays when the plan is edited.
    pub id: ActionId,
    /// Which images.
    pub selector: ImageSelector,
    /// Where to; the region was resolved when the plan was written.
    pub destination: Destination,
    /// How many replicas are kept; none: all of them.
    pub rotation: Option<NonZeroU32>,
    /// How often a run tries the action again after it failed.
    pub max_retries: u32,
    /// The wait before each of those.
    pub retry_interval: Duration,
    /// Whether the actions that follow it are left out when it fails.
    pub mandatory: bool,
    /// The action as it was written, a JSON object; only ever echoed.
    pub as_written: String,
}

/// Which images of the source tenant an action copies; looked up at each fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageSelector {
    /// This one.
    Id(ImageId),
    /// The newest active one of this name.
    Name(String),
    /// Every active one with this tag.
    Tag(String),
}

/// Whose rights a plan's fires need: who wrote it. Name and domain tell the same person in a region whose
/// Keystone is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creator {
    /// In the source region's Keystone.
    pub id: UserId,
    /// The user's name.
    pub name: String,
    /// The id of the user's domain.
    pub domain_id: String,
    /// The name of the user's domain.
    pub domain_name: String,
}

/// What a worker is granted when a plan fires: to find the images of one action, and to check that their copies may be
/// made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFire {
    /// The plan.
    pub plan_id: PlanId,
    /// Which of its actions.
    pub action_id: ActionId,
    /// The region whose images are copied.
    pub source_region: RegionId,
    /// The plan's project there.
    pub source_tenant: TenantId,
    /// Whose rights count.
    pub creator: Creator,
    /// Which images.
    pub selector: ImageSelector,
    /// Where to.
    pub destination: Destination,
    /// The newest replica of each line of replicas that the action has.
    pub newest: Vec<RecoveryPoint>,
    /// W3C trace context of the fire.
    pub traceparent: Option<String>,
}

/// A replica that a plan has made and may have to remove again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryPoint {
    /// The job that made it.
    pub job_id: JobId,
    /// The replica.
    pub image_id: ImageId,
    /// The image that it was copied from.
    pub source_image_id: ImageId,
    /// Size and hashes of both.
    pub digest: ImageDigest,
    /// Where it is.
    pub destination: Destination,
    /// When it was verified.
    pub made_at: Timestamp,
}

/// What a worker found for one image of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedImage {
    /// It may be copied, to this specification.
    Copy(Box<crate::CopySpec>),
    /// The newest replica has the same bytes and is there.
    Identical {
        /// The source.
        source: ImageId,
        /// The replica.
        replica: ImageId,
    },
    /// It may not be copied, or there is no such image.
    Refused(crate::JobError),
}

/// What a worker is granted when rotation removes a replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaRemoval {
    /// The plan that recorded it.
    pub plan_id: PlanId,
    /// Which replica, made by which job.
    pub replica: RecoveryPoint,
    /// The replicas that stay. It is only removed while one of them is there and whole.
    pub survivors: Vec<ImageId>,
}

/// What became of a replica that was to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaFate {
    /// It is gone.
    Gone,
    /// It stays; says why (protected by its owner, or no survivor is whole).
    Kept(String),
}

/// What a plan's owner may tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanEvent {
    /// Fire now, and on schedule again.
    Start,
    /// Fire no more; a run under way ends by itself.
    Stop,
    /// As stop, and the copies of the run under way are canceled.
    Abort,
}

/// Where a plan stands, in the words of the backup API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// It will fire.
    Scheduled,
    /// A run is under way.
    Running,
    /// It was stopped.
    Stop,
    /// It will not fire again by itself.
    Completed,
}

/// How a run ended, or why a fire came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// Every action succeeded.
    Success,
    /// An action failed.
    Fail,
    /// It was aborted.
    Aborted,
    /// The run before had not ended.
    Skipped,
    /// It was due while no scheduler ran, too long ago.
    Missed,
}

/// A fire as its plan's owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunView {
    /// When it was due.
    pub scheduled_for: Timestamp,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How.
    pub result: Option<RunResult>,
    /// What went wrong or was left out, a sentence each.
    pub messages: Vec<String>,
    /// The copy jobs that it made.
    pub jobs: Vec<JobId>,
}

/// A plan as callers may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanView {
    /// The plan.
    pub id: PlanId,
    /// The region that it copies from.
    pub region: RegionId,
    /// The project that it belongs to.
    pub tenant: TenantId,
    /// Who wrote it.
    pub creator: UserId,
    /// What was written.
    pub document: PlanDocument,
    /// Grows with each edit.
    pub revision: u64,
    /// Where it stands.
    pub status: PlanStatus,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was edited last.
    pub updated_at: Timestamp,
    /// When its schedule was written.
    pub scheduled_at: Timestamp,
    /// When it fires next.
    pub next_fire_at: Option<Timestamp>,
    /// What it was told last.
    pub last_event: Option<PlanEvent>,
    /// When it ran last; none before it ran at all.
    pub started_at: Option<Timestamp>,
    /// When that run ended; none while it has not.
    pub ended_at: Option<Timestamp>,
    /// The run under way, or else the last fire, be it one that came to nothing.
    pub last_run: Option<RunView>,
    /// The replicas that it keeps, the newest first.
    pub recovery_points: Vec<RecoveryPoint>,
}
