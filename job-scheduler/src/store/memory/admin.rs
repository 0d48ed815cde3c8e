//! What only operators want of the memory.

use async_trait::async_trait;
use domain::{JobId, RegionId};

use super::MemoryStore;
use super::tables::Tables;
use crate::job_record::Owner;
use crate::store::StoreError;
use crate::store::admin::{AdminStore, Drain};
use crate::store::lane::Lane;

#[async_trait]
impl AdminStore for MemoryStore {
    async fn drains(&self) -> Result<Vec<(RegionId, Drain)>, StoreError> {
        let (state, key) = (self.state(), self.keys.drained());
        let regions = state.tables.fields(&key).into_iter();
        Ok(regions
            .filter_map(|region| {
                let drain = drain_of(&state.tables, &key, &region)?;
                Some((RegionId::new(region), drain))
            })
            .collect())
    }

    async fn drain(&self, region: &RegionId, drain: &Drain) -> Result<Option<Drain>, StoreError> {
        let (tables, key) = (&mut self.state().tables, self.keys.drained());
        let before = drain_of(tables, &key, region.as_str());
        if before.is_none() {
            let json = serde_json::to_string(drain);
            let json = json.map_err(|error| StoreError::Unavailable(error.to_string()))?;
            tables.set_field(&key, region.as_str(), &json);
        }
        Ok(before)
    }

    async fn undrain(&self, region: &RegionId) -> Result<Option<Drain>, StoreError> {
        let (tables, key) = (&mut self.state().tables, self.keys.drained());
        let before = drain_of(tables, &key, region.as_str());
        tables.remove_field(&key, region.as_str());
        Ok(before)
    }

    async fn waiting(&self, region: &RegionId) -> Result<Vec<(Lane, usize)>, StoreError> {
        let tables = &self.state().tables;
        let names = tables.members(&self.keys.lanes(region));
        let mut lanes: Vec<Lane> = names.iter().filter_map(|name| Lane::parse(name)).collect();
        lanes.sort();
        let size = |lane: &Lane| tables.count(&self.keys.eligible(region, lane));
        let sizes: Vec<usize> = lanes.iter().map(size).collect();
        Ok(lanes.into_iter().zip(sizes).collect())
    }

    async fn with_leftovers(
        &self,
        region: &RegionId,
        limit: usize,
    ) -> Result<Vec<JobId>, StoreError> {
        let members = self.state().tables.members(&self.keys.leftovers(region));
        let ids = members.iter().filter_map(|id| id.parse().ok());
        Ok(ids.take(limit).collect())
    }

    async fn open_jobs(&self, owner: &Owner) -> Result<usize, StoreError> {
        Ok(self.state().tables.size(&self.keys.open(owner)))
    }
}

fn drain_of(tables: &Tables, key: &str, region: &str) -> Option<Drain> {
    serde_json::from_str(tables.field(key, region)?).ok()
}
