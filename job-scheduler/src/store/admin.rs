//! What only operators want of the store: which regions are drained, and what lies where. Held by Redis and by memory
//! alike.

use async_trait::async_trait;
use domain::{JobId, RegionId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::lane::Lane;
use crate::job_record::Owner;

/// A region whose units nobody gets, until an operator undrains it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Who drained it.
    pub operator: String,
    /// When.
    pub since: Timestamp,
}

/// The third part of the store.
#[async_trait]
pub trait AdminStore: Send + Sync + 'static {
    /// Regions that are drained, by name.
    async fn drains(&self) -> Result<Vec<(RegionId, Drain)>, StoreError>;

    /// Drains a region: no grant in it is committed from now on. Says who drained it before, if somebody did; that
    /// stands.
    async fn drain(&self, region: &RegionId, drain: &Drain) -> Result<Option<Drain>, StoreError>;

    /// Ends a drain; says what it was.
    async fn undrain(&self, region: &RegionId) -> Result<Option<Drain>, StoreError>;

    /// The lanes of a region with units that could be granted, or whose tenant is at its limit, by name; and how many
    /// there are in each.
    async fn waiting(&self, region: &RegionId) -> Result<Vec<(Lane, usize)>, StoreError>;

    /// Jobs that need a clean-up in a region, about as many as `limit`, in no order.
    async fn with_leftovers(
        &self,
        region: &RegionId,
        limit: usize,
    ) -> Result<Vec<JobId>, StoreError>;

    /// How many jobs of an owner are not final.
    async fn open_jobs(&self, owner: &Owner) -> Result<usize, StoreError>;
}
