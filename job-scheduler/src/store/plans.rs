//! Where plans are kept: the second half of the store, held by Redis and by memory alike.
//!
//! As for jobs, Rust decides and the store commits by version; which entries a plan has is a pure function of its
//! record ([`placement`]).

pub mod placement;

use async_trait::async_trait;
use domain::{ImageId, JobId, PlanId};
use jiff::Timestamp;

use super::{Scope, StoreError};
use crate::plan_record::PlanRecord;

/// A plan with the version under which it is stored. As for jobs, a store that fell back may give a version twice, and the
/// record's last change tells the two apart.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPlan {
    /// The record.
    pub record: PlanRecord,
    /// Its version; grows with every commit of any plan.
    pub version: u64,
}

/// Who has a use for an image that a plan may want to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A plan, as a recovery point.
    Plan(PlanId),
    /// A job that reuses it.
    Job(JobId),
}

/// What came of a create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreatedPlan {
    /// The plan stands, under this version.
    New {
        /// The first version.
        version: u64,
    },
    /// A plan of this id stood already.
    Exists,
}

/// The terms on which a plan is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanTerms {
    /// Plans that the owner may have, this one included.
    pub plans_per_tenant: usize,
    /// As that of [`IntakeTerms`](super::IntakeTerms).
    pub not_after: Option<Timestamp>,
}

/// A page of plans, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanQuery {
    /// Whose plans.
    pub scope: Scope,
    /// The page starts behind this plan.
    pub after: Option<(Timestamp, PlanId)>,
    /// The most to return.
    pub limit: usize,
}

// === impl Holder ===

/// Before the id of a job among the holders; a plan's stands alone.
const JOB: &str = "job:";

impl Holder {
    /// The plan, if it is one.
    #[must_use]
    pub const fn plan(self) -> Option<PlanId> {
        match self {
            Self::Plan(plan) => Some(plan),
            Self::Job(_) => None,
        }
    }

    /// Its name in the set of holders.
    #[must_use]
    pub(super) fn member(self) -> String {
        match self {
            Self::Plan(plan) => plan.to_string(),
            Self::Job(job) => format!("{JOB}{job}"),
        }
    }

    /// Those that are named so; what is no name of one is passed over.
    pub(super) fn all_of<'a>(members: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let named = members.into_iter().filter_map(|member| {
            Some(match member.strip_prefix(JOB) {
                Some(job) => Self::Job(job.parse().ok()?),
                None => Self::Plan(member.parse().ok()?),
            })
        });
        let mut holders: Vec<_> = named.collect();
        holders.sort_unstable();
        holders
    }
}

/// The store of plans.
#[async_trait]
pub trait PlanStore: Send + Sync + 'static {
    /// One plan.
    async fn load_plan(&self, id: PlanId) -> Result<Option<StoredPlan>, StoreError>;

    /// Several plans; those that do not exist, or cannot be read, are left out.
    async fn load_plans(&self, ids: &[PlanId]) -> Result<Vec<StoredPlan>, StoreError>;

    /// Accepts a plan, once per id. [`StoreError::LimitReached`] when its owner has as many as may be;
    /// [`StoreError::TooLate`] after the terms' time.
    async fn create_plan(
        &self,
        record: &PlanRecord,
        terms: &PlanTerms,
        now: Timestamp,
    ) -> Result<CreatedPlan, StoreError>;

    /// Replaces a plan, if it still is what was read, by version and last change. A replica that is to be removed from now on
    /// must be held by this plan alone: else [`StoreError::Held`].
    async fn commit_plan(
        &self,
        before: &StoredPlan,
        after: &PlanRecord,
    ) -> Result<StoredPlan, StoreError>;

    /// Removes a plan with all its entries, if it still is what was read.
    async fn remove_plan(&self, stored: &StoredPlan) -> Result<(), StoreError>;

    /// Plans that somebody must look at, the most urgent first.
    async fn plans_due(&self, now: Timestamp, limit: usize) -> Result<Vec<PlanId>, StoreError>;

    /// Looks at a plan that cannot be read no earlier than `until`; forgets one that does not exist.
    async fn postpone_plan(&self, id: PlanId, until: Timestamp) -> Result<(), StoreError>;

    /// A page of ids.
    async fn plan_page(&self, query: &PlanQuery) -> Result<Vec<PlanId>, StoreError>;

    /// Who holds an image, in order.
    async fn holders(&self, image: ImageId) -> Result<Vec<Holder>, StoreError>;

    /// How many plans there are.
    async fn count_plans(&self) -> Result<usize, StoreError>;
}
