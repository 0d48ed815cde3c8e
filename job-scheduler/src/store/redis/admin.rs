//! What only operators want of Redis.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{JobId, RegionId};

use super::RedisStore;
use super::record::parse_ids;
use super::scripts::{json, unexpected};
use crate::job_record::Owner;
use crate::store::StoreError;
use crate::store::admin::{AdminStore, Drain};
use crate::store::lane::Lane;

/// Members that are asked for at once.
const MEMBERS_PER_SCAN: usize = 500;

#[async_trait]
impl AdminStore for RedisStore {
    async fn drains(&self) -> Result<Vec<(RegionId, Drain)>, StoreError> {
        let mut command = redis::cmd("HGETALL");
        command.arg(self.keys.drained());
        let drains: BTreeMap<String, String> = self.connection.command(&command).await?;
        drains
            .into_iter()
            .map(|(region, drain)| Ok((RegionId::new(region), read(&drain)?)))
            .collect()
    }

    async fn drain(&self, region: &RegionId, drain: &Drain) -> Result<Option<Drain>, StoreError> {
        let mut pipeline = redis::pipe();
        pipeline
            .cmd("HGET")
            .arg(self.keys.drained())
            .arg(region.as_str())
            .cmd("HSETNX")
            .arg(self.keys.drained())
            .arg(region.as_str())
            .arg(json(drain)?)
            .ignore();
        let (before,): (Option<String>,) = self.connection.pipeline(&pipeline).await?;
        before.as_deref().map(read).transpose()
    }

    async fn undrain(&self, region: &RegionId) -> Result<Option<Drain>, StoreError> {
        let mut pipeline = redis::pipe();
        pipeline
            .cmd("HGET")
            .arg(self.keys.drained())
            .arg(region.as_str())
            .cmd("HDEL")
            .arg(self.keys.drained())
            .arg(region.as_str())
            .ignore();
        let (before,): (Option<String>,) = self.connection.pipeline(&pipeline).await?;
        before.as_deref().map(read).transpose()
    }

    async fn waiting(&self, region: &RegionId) -> Result<Vec<(Lane, usize)>, StoreError> {
        let mut command = redis::cmd("SMEMBERS");
        command.arg(self.keys.lanes(region));
        let names: Vec<String> = self.connection.command(&command).await?;
        let mut lanes: Vec<Lane> = names.iter().filter_map(|name| Lane::parse(name)).collect();
        lanes.sort();
        if lanes.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = redis::pipe();
        for lane in &lanes {
            pipeline.cmd("ZCARD").arg(self.keys.eligible(region, lane));
        }
        let sizes: Vec<usize> = self.connection.pipeline(&pipeline).await?;
        Ok(lanes.into_iter().zip(sizes).collect())
    }

    async fn with_leftovers(
        &self,
        region: &RegionId,
        limit: usize,
    ) -> Result<Vec<JobId>, StoreError> {
        let (mut found, mut cursor) = (Vec::new(), 0_u64);
        loop {
            let mut command = redis::cmd("SSCAN");
            command
                .arg(self.keys.leftovers(region))
                .arg(cursor)
                .arg("COUNT")
                .arg(MEMBERS_PER_SCAN);
            let (next, ids): (u64, Vec<String>) = self.connection.command(&command).await?;
            found.extend(parse_ids(ids));
            cursor = next;
            if cursor == 0 || found.len() >= limit {
                break;
            }
        }
        // A scan may give a member twice.
        found.sort_unstable();
        found.dedup();
        found.truncate(limit);
        Ok(found)
    }

    async fn open_jobs(&self, owner: &Owner) -> Result<usize, StoreError> {
        let mut command = redis::cmd("SCARD");
        command.arg(self.keys.open(owner));
        self.connection.command(&command).await
    }
}

fn read(drain: &str) -> Result<Drain, StoreError> {
    serde_json::from_str(drain).map_err(|_| unexpected("a drain that cannot be read"))
}
