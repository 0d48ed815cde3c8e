//! Where jobs and plans are kept: one trait, held by Redis in production and by memory in models and tests.
//!
//! Rust decides, the store commits: each write names the version that the decision was made on, and
//! record and index entries change together or not at all. What the entries are is a pure function
//! of the record ([`placement`]) and of the difference between two records ([`change`]), shared by
//! both implementations; a property test drives both with the same operations.

pub mod admin;
pub mod change;
pub mod keys;
pub mod lane;
pub mod lasting;
pub mod memory;
pub mod placement;
pub mod plans;
pub mod redis;
pub mod shape;

use std::time::Duration;

use async_trait::async_trait;
use domain::{ClaimId, ImageId, JobId, JobStatus, PlanId, RegionId};
use futures::stream::BoxStream;
use jiff::Timestamp;

use self::admin::AdminStore;
use self::lane::Lane;
use self::plans::{PlanStore, StoredPlan};
use crate::fairness::RegionView;
use crate::job_record::{JobRecord, Owner};

/// A record with the version under which it is stored. Versions come from one counter for all jobs,
/// so they also order changes. A store that falls back to an older state may give one twice, but not to what was committed
/// at the same time: the record's last change tells the two apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The record.
    pub record: JobRecord,
    /// Its version; also the sequence number of its last change.
    pub version: u64,
}

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Out of reach, or it took too long. The command may have been executed all the same.
    #[error("the store is out of reach: {0}")]
    Unavailable(String),
    /// Its memory is full: nothing new is accepted.
    #[error(
        "the store is full: raise redis' maxmemory, or let finished jobs go sooner (scheduler.keep_finished)"
    )]
    Full,
    /// The record has changed since it was read: decide again.
    #[error("the record has changed meanwhile")]
    Conflict,
    /// A limit that the decision relied on is reached by now.
    #[error("the limit is reached")]
    LimitReached,
    /// The sender of a create has given up by now.
    #[error("the request came too late")]
    TooLate,
    /// The claim has been answered with another job meanwhile.
    #[error("the claim has been answered meanwhile")]
    ClaimTaken,
    /// The region is drained: nothing of it is granted.
    #[error("the region is drained")]
    Drained,
    /// Another plan holds this replica too.
    #[error("another plan holds image {0}")]
    Held(ImageId),
    /// A plan that this version of the service cannot read.
    #[error("the record of plan {plan} cannot be read: {reason}")]
    UnreadablePlan {
        /// Which.
        plan: String,
        /// Why.
        reason: String,
    },
    /// A record that this version of the service cannot read.
    #[error("the record of job {job} cannot be read: {reason}")]
    Unreadable {
        /// Which.
        job: String,
        /// Why.
        reason: String,
    },
}

/// What came of a create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The job stands, under this version.
    New {
        /// The first version.
        version: u64,
    },
    /// A job of this id stood already.
    Exists,
    /// The idempotency key names this job already.
    KeyTaken(JobId),
}

/// A plan as it was when it was read, or when it wished for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanVersion {
    /// The plan.
    pub plan: PlanId,
    /// Its version then.
    pub version: u64,
    /// Its last change then.
    pub changed_at: Option<Timestamp>,
}

impl PlanVersion {
    /// That of what was read.
    #[must_use]
    pub const fn of(stored: &StoredPlan) -> Self {
        Self {
            plan: stored.record.id,
            version: stored.version,
            changed_at: stored.record.changed_at,
        }
    }
}

/// The terms of acceptance.
#[derive(Debug, Clone)]
pub struct IntakeTerms {
    /// The plan that wishes for it: only while it stands as it was. Of what is accepted later, from a scheduler that was
    /// frozen meanwhile, no plan would ever hear.
    pub wished_by: Option<PlanVersion>,
    /// Accepted until then only, by the store's own clock where it has one: its sender has given up by then, and a scheduler
    /// that was frozen since it looked at the time must not make what nobody waits for any more.
    pub not_after: Option<Timestamp>,
    /// Open jobs that the owner may have, this one included; none for what a plan makes.
    pub queued_per_tenant: Option<usize>,
    /// How long an idempotency key is remembered.
    pub idempotency_window: Duration,
    /// When the scheduler sends a message for it, unless it has been granted by then.
    pub first_ticket_at: Timestamp,
}

/// Things that become due with time, each in an index of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    /// A backoff is over.
    Waiting,
    /// A lease has run out.
    Lease,
    /// A deadline has passed.
    Deadline,
    /// A finished job is old enough to go; `now` is then the age limit.
    Finished,
    /// A job has ended whose plan does not know it yet.
    PlanNews,
}

impl Due {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Lease,
        Self::Deadline,
        Self::Finished,
        Self::PlanNews,
    ];
}

/// Where an index names a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Among the things that become due.
    Due(Due),
    /// Among the units of a region.
    Lane(RegionId, Lane),
    /// Among those that are set aside already.
    Aside,
}

/// Whose jobs a reader may see.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One owner's.
    Owner(Owner),
    /// Everybody's.
    All,
    /// Nobody's: errands, for operators.
    Errands,
}

/// A page of a list, ordered by time of creation and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// Whose jobs.
    pub scope: Scope,
    /// None: every status.
    pub statuses: Vec<JobStatus>,
    /// The page starts behind this job.
    pub after: Option<(Timestamp, JobId)>,
    /// Oldest first instead of newest first.
    pub oldest_first: bool,
    /// The most to return.
    pub limit: usize,
}

/// How messages are paced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TicketPace {
    /// For so long after its acceptance a copy is left to the gateway, which is publishing a message
    /// itself: counted as well, it would get two.
    pub announced: Duration,
    /// The next ticket after the first one comes this much later; it doubles.
    pub first: Duration,
    /// The longest distance between two tickets.
    pub longest: Duration,
    /// Stretches distances; drawn by the caller around 1.
    pub stretch: f64,
    /// The most units to take at once.
    pub most: usize,
}

/// A committed change of a job, as told to subscribers; of errands nothing is told. A hint to read again, no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeNotice {
    /// The job.
    pub job: JobId,
    /// Its version.
    pub version: u64,
    /// Whose it is.
    pub owner: Owner,
}

/// Counts for the metrics of one destination region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Copies under a lease.
    pub running: usize,
    /// Jobs with images that are granted and not settled, running attempts not included.
    pub leftovers: usize,
    /// Units that wait to be granted, whether a limit lets them or not.
    pub waiting: usize,
    /// Copy jobs that are not final: for each configured source region and each such status.
    pub open: Vec<OpenJobs>,
}

/// The copy jobs of one source region in one status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenJobs {
    /// Where they copy from.
    pub source: RegionId,
    /// The status, which is none of the final ones.
    pub status: JobStatus,
    /// How many there are.
    pub count: usize,
    /// When the oldest of them was accepted.
    pub oldest: Option<Timestamp>,
}

/// What [`Census::open`] has an entry for.
pub(crate) fn open_statuses() -> impl Iterator<Item = JobStatus> {
    JobStatus::ALL
        .into_iter()
        .filter(|status| !status.is_final())
}

/// The store: of jobs, with two more parts for plans and for what only operators want.
#[async_trait]
pub trait Store: PlanStore + AdminStore {
    /// One record.
    async fn load(&self, id: JobId) -> Result<Option<Stored>, StoreError>;

    /// Several records; those that do not exist, or cannot be read, are left out.
    async fn load_many(&self, ids: &[JobId]) -> Result<Vec<Stored>, StoreError>;

    /// The job that a claim was answered with, while its lease lasts.
    async fn job_of_claim(&self, claim: ClaimId) -> Result<Option<JobId>, StoreError>;

    /// The job that an idempotency key names.
    async fn job_of_key(
        &self,
        owner: &Owner,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<JobId>, StoreError>;

    /// Accepts a job, once per id and per idempotency key. [`StoreError::TooLate`] after the terms' time;
    /// [`StoreError::Conflict`] when the plan that wishes for it is another by now, or gone.
    async fn create(
        &self,
        record: &JobRecord,
        terms: &IntakeTerms,
        now: Timestamp,
    ) -> Result<Created, StoreError>;

    /// Replaces a record, if it still is what was read, by version and last change. A grant is refused with
    /// [`StoreError::LimitReached`] when a limit is reached, with [`StoreError::Drained`] when its region is drained, and
    /// with [`StoreError::ClaimTaken`].
    async fn commit(
        &self,
        before: &Stored,
        after: &JobRecord,
        now: Timestamp,
    ) -> Result<Stored, StoreError>;

    /// Removes a record with all its index entries, if it still is what was read.
    async fn remove(&self, stored: &Stored, now: Timestamp) -> Result<(), StoreError>;

    /// What the fair choice for a region needs to know.
    async fn region_view(&self, region: &RegionId) -> Result<RegionView, StoreError>;

    /// What is due at `now`, the earliest first.
    async fn due(&self, what: Due, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError>;

    /// Takes units for which a message is due and moves their lane's next ticket ahead first.
    async fn take_tickets(
        &self,
        region: &RegionId,
        now: Timestamp,
        pace: &TicketPace,
    ) -> Result<Vec<JobId>, StoreError>;

    /// Takes an id that leads to no readable record out of a place where it is in the way of others,
    /// and keeps it to be looked at again.
    async fn set_aside(
        &self,
        id: JobId,
        place: &Place,
        now: Timestamp,
        again: Timestamp,
    ) -> Result<(), StoreError>;

    /// What was set aside and is to be looked at again, the earliest first.
    async fn aside(&self, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError>;

    /// Puts a job that was set aside back into all its places, if it still is what was read; one that
    /// does not exist is forgotten.
    async fn put_back(
        &self,
        id: JobId,
        found: Option<&Stored>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// A page of ids.
    async fn page(&self, query: &PageQuery) -> Result<Vec<JobId>, StoreError>;

    /// Jobs whose last change lies behind a sequence number, with the numbers of those changes and
    /// in their order.
    async fn changed_since(
        &self,
        scope: &Scope,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<(JobId, u64)>, StoreError>;

    /// The sequence number of the last change of any job.
    async fn sequence(&self) -> Result<u64, StoreError>;

    /// Notes that schedulers are serving, and says since when without a gap longer than `gap`.
    async fn mark_serving(&self, now: Timestamp, gap: Duration) -> Result<Timestamp, StoreError>;

    /// Regions that open jobs or leftovers name, whatever the configuration says.
    async fn regions_in_use(&self) -> Result<Vec<RegionId>, StoreError>;

    /// Puts every tenant of a region into the place that the limits of this configuration say, and
    /// forgets virtual times that no longer tell one from a newcomer.
    async fn reseat(&self, region: &RegionId, now: Timestamp) -> Result<(), StoreError>;

    /// How many copies run from each of these source regions into its destination region.
    async fn running_between(&self, pairs: &[(RegionId, RegionId)])
    -> Result<Vec<u32>, StoreError>;

    /// Counts for metrics.
    async fn census(&self, region: &RegionId) -> Result<Census, StoreError>;

    /// All changes from now on. Ends when the connection is lost: then anything may have been
    /// missed, and the caller subscribes again.
    async fn subscribe(&self) -> Result<BoxStream<'static, ChangeNotice>, StoreError>;

    /// Waits until everything that is written, by whichever scheduler, would survive a crash. For
    /// answers that promise what an earlier call wrote and may not have seen through.
    async fn barrier(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Whether it answers and takes writes.
    async fn ping(&self) -> Result<(), StoreError>;
}
