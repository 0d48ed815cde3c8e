//! Section `[bandwidth]`.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use domain::RegionId;
use serde::Deserialize;

/// How fast a worker reads, at most. The only section that is read again while a service runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BandwidthConfig {
    /// Of everything that one worker reads, in bytes a second; 0 is no cap.
    pub worker_bytes: u64,
    /// Of what all workers read from a region (the outer key) for another (the inner key), in bytes a second.
    pub pairs: BTreeMap<RegionId, BTreeMap<RegionId, NonZeroU64>>,
}

impl BandwidthConfig {
    /// The pairs, as source and destination.
    pub fn pairs(&self) -> impl Iterator<Item = ((&RegionId, &RegionId), NonZeroU64)> {
        self.pairs.iter().flat_map(|(source, destinations)| {
            let to = destinations.iter();
            to.map(move |(destination, rate)| ((source, destination), *rate))
        })
    }
}
