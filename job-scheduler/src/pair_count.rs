//! How many copies run between each two regions, so that their workers can divide what a pair of regions may have.
//!
//! Each scheduler asks the store for all pairs at once, every heartbeat: what that costs depends on the number of regions, and
//! neither on that of jobs nor on that of workers. What is told is as old as that, at most, while the store answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{CopySpec, RegionId};
use tokio_util::sync::CancellationToken;

use crate::jobs::Jobs;
use crate::store::StoreError;

/// The last count; clones share it.
#[derive(Debug, Clone, Default)]
pub struct PairCount {
    copies: Arc<Mutex<BTreeMap<(RegionId, RegionId), u32>>>,
}

// === impl PairCount ===

impl PairCount {
    /// Copies between the regions of this one; none before the first count.
    pub(crate) fn of(&self, spec: &CopySpec) -> Option<u32> {
        let pair = (spec.source.region.clone(), spec.destination.region.clone());
        self.copies().get(&pair).copied()
    }

    fn copies(&self) -> MutexGuard<'_, BTreeMap<(RegionId, RegionId), u32>> {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts until shutdown. An outage of the store is the reconciler's to report; meanwhile the last count stands.
pub(crate) async fn run(jobs: Jobs, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(jobs.settings.heartbeat);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = count(&jobs).await {
            tracing::debug!(error = %error, "copies are not counted");
        }
    }
}

/// Counts once.
///
/// # Errors
/// The store's.
pub async fn count(jobs: &Jobs) -> Result<(), StoreError> {
    let regions = &jobs.settings.shape.regions;
    let pairs = regions.iter().flat_map(|source| {
        let to = regions.iter();
        to.map(move |destination| (source.clone(), destination.clone()))
    });
    let pairs: Vec<_> = pairs.collect();
    let copies = jobs.store.running_between(&pairs).await?;
    *jobs.pair_count.copies() = pairs.into_iter().zip(copies).collect();
    Ok(())
}
