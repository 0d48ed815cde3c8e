//! Which loopback port belongs to what: a block of a hundred a test bed, the same places in every block.
//!
//! Blocks lie below the kernel's ephemeral range, so no outgoing connection takes a port between two starts
//! of a part. A locked file per block keeps two test beds apart; the kernel drops the lock with its holder.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::region::Region;

/// Ports in a block.
const BLOCK: u16 = 100;

/// First port of a block of [`BLOCK`]; every part's port follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports(pub(crate) u16);

impl Ports {
    pub(crate) fn keystone(self, region: Region) -> u16 {
        self.0 + region.index()
    }
    pub(crate) fn glance(self, region: Region) -> u16 {
        self.0 + 2 + region.index()
    }
    pub(crate) fn front(self, region: Region) -> u16 {
        self.0 + 4 + region.index()
    }
    pub(crate) fn rabbitmq(self) -> u16 {
        self.0 + 6
    }
    /// For connections with TLS.
    pub(crate) fn rabbitmq_tls(self) -> u16 {
        self.0 + 99
    }
    pub(crate) fn rabbitmq_distribution(self) -> u16 {
        self.0 + 7
    }
    pub(crate) fn epmd(self) -> u16 {
        self.0 + 8
    }
    pub(crate) fn redis(self) -> u16 {
        self.0 + 9
    }
    /// For connections with TLS, which there are not where there are Sentinels: the first one's place.
    pub(crate) fn redis_tls(self) -> u16 {
        self.sentinel(1)
    }
    /// The address behind which all schedulers stand.
    pub(crate) fn schedulers(self) -> u16 {
        self.0 + 10
    }
    pub(crate) fn gateway(self, region: Region) -> u16 {
        self.0 + 12 + region.index()
    }
    pub(crate) fn gateway_admin(self, region: Region) -> u16 {
        self.0 + 14 + region.index()
    }
    /// The address behind which a region's two gateways stand.
    pub(crate) fn gateways(self, region: Region) -> u16 {
        self.0 + 16 + region.index()
    }
    pub(crate) fn second_gateway(self, region: Region) -> u16 {
        self.0 + 18 + region.index()
    }
    pub(crate) fn second_gateway_admin(self, region: Region) -> u16 {
        // What the others leave: 11 and 20.
        self.0 + 11 + 9 * region.index()
    }
    /// `number` counts from 1, up to [`MOST_REDIS_REPLICAS`].
    pub(crate) fn redis_replica(self, number: u16) -> u16 {
        // What the others leave: 30 and 40.
        self.0 + 20 + number * 10
    }
    /// `number` counts from 1, up to [`SENTINELS`].
    pub(crate) fn sentinel(self, number: u16) -> u16 {
        // And 50, 74 and 75.
        self.0 + [50, 74, 75][usize::from(number - 1)]
    }
    /// `number` counts from 1, up to [`MOST_SCHEDULERS`].
    pub(crate) fn scheduler(self, number: u16) -> u16 {
        self.0 + 20 + number
    }
    pub(crate) fn scheduler_admin(self, number: u16) -> u16 {
        self.0 + 30 + number
    }
    pub(crate) fn scheduler_operators(self, number: u16) -> u16 {
        self.0 + 40 + number
    }
    /// `number` counts from 1, up to [`MOST_WORKERS`].
    pub(crate) fn worker_admin(self, region: Region, number: u16) -> u16 {
        self.0 + 50 + region.index() * 25 + number
    }
}

/// Replicas of Redis that a block has room for.
pub(crate) const MOST_REDIS_REPLICAS: u16 = 2;
/// Sentinels that watch over Redis where it has replicas: as many as it takes to agree when one is away.
pub(crate) const SENTINELS: u16 = 3;
/// Schedulers that a block has room for.
pub(crate) const MOST_SCHEDULERS: u16 = 9;
/// Workers a region that a block has room for.
pub(crate) const MOST_WORKERS: u16 = 23;

/// A block that nobody else has while this value lives.
#[derive(Debug)]
pub(crate) struct PortBlock {
    ports: Ports,
    _lock: File,
}

impl PortBlock {
    /// Takes `preferred` when it is free, else any free block.
    ///
    /// # Errors
    /// When no block is free, or the lock files cannot be written.
    pub(crate) fn take(preferred: Option<u16>) -> anyhow::Result<Self> {
        let (low, high) = range();
        let blocks = (high - low) / BLOCK;
        let start: u16 = rand::random_range(0..blocks);
        let anywhere = (0..blocks).map(|step| low + (start + step) % blocks * BLOCK);
        for first in preferred.into_iter().chain(anywhere) {
            if let Some(block) = Self::try_take(first)? {
                return Ok(block);
            }
        }
        bail!("no block of {BLOCK} free loopback ports between {low} and {high}")
    }

    fn try_take(first: u16) -> anyhow::Result<Option<Self>> {
        let directory = lock_directory();
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let lock = File::create(directory.join(first.to_string()))?;
        if lock.try_lock().is_err() {
            return Ok(None);
        }
        let free =
            (first..first + BLOCK).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok());
        Ok(free.then_some(Self {
            ports: Ports(first),
            _lock: lock,
        }))
    }

    pub(crate) fn ports(&self) -> Ports {
        self.ports
    }
}

fn lock_directory() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    std::env::temp_dir().join(format!("image-replicator-ports-{user}"))
}

/// Where blocks may lie: from 12000 up to the ephemeral range, or all high ports when that leaves no room.
fn range() -> (u16, u16) {
    let ephemeral = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<u16>().ok());
    match ephemeral {
        Some(low) if low > 14_000 => (12_000, low),
        _ => (12_000, 65_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_blocks_never_overlap() {
        let one = PortBlock::take(None).expect("a free block");
        let other = PortBlock::take(Some(one.ports().0)).expect("a free block");
        assert!(one.ports().0.abs_diff(other.ports().0) >= BLOCK);
    }

    #[test]
    fn every_port_of_a_block_has_one_owner() {
        let ports = Ports(1000);
        let mut all = vec![
            ports.rabbitmq(),
            ports.rabbitmq_distribution(),
            ports.epmd(),
            ports.redis(),
            ports.schedulers(),
        ];
        for region in Region::ALL {
            all.extend([
                ports.keystone(region),
                ports.glance(region),
                ports.front(region),
            ]);
            all.extend([ports.gateway(region), ports.gateway_admin(region)]);
            all.extend([
                ports.gateways(region),
                ports.second_gateway(region),
                ports.second_gateway_admin(region),
            ]);
            all.extend((1..=MOST_WORKERS).map(|number| ports.worker_admin(region, number)));
        }
        all.extend((1..=MOST_REDIS_REPLICAS).map(|number| ports.redis_replica(number)));
        all.extend((1..=SENTINELS).map(|number| ports.sentinel(number)));
        for number in 1..=MOST_SCHEDULERS {
            all.extend([
                ports.scheduler(number),
                ports.scheduler_admin(number),
                ports.scheduler_operators(number),
            ]);
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|port| (1000..1000 + BLOCK).contains(port)));
    }
}
