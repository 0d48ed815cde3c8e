//! Caps on how fast sources are read: of a whole process, and of each pair of regions in it.
//!
//! A cap is a token bucket in virtual time: whoever reads takes its turn in it and waits until then. Invariants: over a
//! few seconds no more is read than the cap allows, and no less if it is there; a reader's turns are so short that an upload
//! never pauses for long, because destinations drop one that does; and a cap may change at any moment, also for who waits.

mod bucket;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use domain::RegionId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use self::bucket::Bucket;

/// The caps of a process; clones are the same caps.
#[derive(Debug, Clone)]
pub struct Bandwidth {
    caps: Arc<Caps>,
}

#[derive(Debug)]
struct Caps {
    process: Arc<Bucket>,
    /// By source and destination.
    pairs: Mutex<BTreeMap<(RegionId, RegionId), Arc<Bucket>>>,
    changes: watch::Sender<()>,
}

/// What the caps are to be, in bytes a second; none is no cap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BandwidthLimits {
    /// Of everything that is read.
    pub process: Option<NonZeroU64>,
    /// Of what is read from one region for another.
    pub pairs: BTreeMap<(RegionId, RegionId), NonZeroU64>,
}

/// The caps that one copy reads under; clones are the same copy's.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    copy: Arc<Copy>,
}

#[derive(Debug)]
struct Copy {
    buckets: [Arc<Bucket>; 2],
    changes: watch::Receiver<()>,
    was_held_back: AtomicBool,
}

// === impl Bandwidth ===

impl Default for Bandwidth {
    fn default() -> Self {
        Self {
            caps: Arc::new(Caps {
                process: Arc::default(),
                pairs: Mutex::default(),
                changes: watch::Sender::new(()),
            }),
        }
    }
}

impl Bandwidth {
    /// No caps.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// Sets all caps, also for copies that run.
    pub fn set(&self, limits: &BandwidthLimits) {
        self.caps.process.set(limits.process);
        for pair in limits.pairs.keys() {
            self.bucket(pair.clone());
        }
        let pairs = self.caps.pairs.lock();
        for (pair, bucket) in &*pairs.unwrap_or_else(PoisonError::into_inner) {
            bucket.set(limits.pairs.get(pair).copied());
        }
        // Who waits takes another turn: those that were taken are void.
        self.caps.changes.send_replace(());
    }

    /// For a copy from a source to a destination.
    pub(crate) fn between(&self, source: &RegionId, destination: &RegionId) -> Pace {
        let pair = self.bucket((source.clone(), destination.clone()));
        Pace {
            copy: Arc::new(Copy {
                buckets: [self.caps.process.clone(), pair],
                changes: self.caps.changes.subscribe(),
                was_held_back: AtomicBool::new(false),
            }),
        }
    }

    fn bucket(&self, pair: (RegionId, RegionId)) -> Arc<Bucket> {
        let pairs = self.caps.pairs.lock();
        let mut pairs = pairs.unwrap_or_else(PoisonError::into_inner);
        pairs.entry(pair).or_default().clone()
    }
}

// === impl Pace ===

impl Pace {
    /// Takes bytes from the front of `rest`, as many as may go on at once, when their turn has come. Whether it had to
    /// be waited for.
    pub(crate) async fn next(&self, rest: &mut Bytes) -> (Bytes, bool) {
        let buckets = &self.copy.buckets;
        let mut changes = self.copy.changes.clone();
        let turns = buckets.iter().filter_map(|bucket| bucket.turn());
        let length = turns.min().unwrap_or(rest.len()).min(rest.len());
        let bytes = rest.split_to(length);
        let _waiting = buckets.each_ref().map(|bucket| bucket.wait());
        let mut has_waited = false;
        loop {
            changes.mark_unchanged();
            let now = Instant::now();
            let begins = buckets
                .iter()
                .filter_map(|bucket| bucket.reserve(length, now))
                .max();
            let Some(begins) = begins.filter(|begins| *begins > now) else {
                break;
            };
            has_waited = true;
            tokio::select! {
                biased;
                Ok(()) = changes.changed() => {}
                () = sleep_until(begins) => break,
            }
        }
        if has_waited {
            self.copy.was_held_back.store(true, Ordering::Relaxed);
        }
        (bytes, has_waited)
    }

    /// Whether a cap has held this copy back since this was last asked.
    pub(crate) fn was_held_back(&self) -> bool {
        self.copy.was_held_back.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
