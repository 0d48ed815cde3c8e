//! Caps on how fast sources are read: of a whole process, and of each pair of regions, which all processes divide among them.
//!
//! A cap is a token bucket in virtual time: whoever reads takes its turn in it and waits until then. Invariants: over a
//! few seconds no more is read than the cap allows, and no less if it is there; a reader's turns are so short that an upload
//! never pauses for long, because destinations drop one that does; and a cap may change at any moment, also for who waits.

mod bucket;
mod line;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use domain::RegionId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use self::bucket::Bucket;
use self::line::Line;

type Pair = (RegionId, RegionId);

/// The caps of a process; clones are the same caps.
#[derive(Debug, Clone)]
pub struct Bandwidth {
    caps: Arc<Caps>,
}

#[derive(Debug)]
struct Caps {
    process: Arc<Bucket>,
    /// By source and destination.
    lines: Mutex<BTreeMap<Pair, Line>>,
    changes: watch::Sender<()>,
}

/// What the caps are to be, in bytes a second; none is no cap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BandwidthLimits {
    /// Of everything that this process reads.
    pub process: Option<NonZeroU64>,
    /// Of what all processes together read from one region for another.
    pub pairs: BTreeMap<(RegionId, RegionId), NonZeroU64>,
}

/// A copy that runs, for as long as this lives: what its pair of regions may have is divided by these.
#[derive(Debug)]
pub struct Copying {
    caps: Arc<Caps>,
    pair: Pair,
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
                lines: Mutex::default(),
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
        let mut lines = self.caps.lines();
        for pair in limits.pairs.keys() {
            lines.entry(pair.clone()).or_default();
        }
        for (pair, line) in &mut *lines {
            line.set(limits.pairs.get(pair).copied());
        }
        drop(lines);
        // Who waits takes another turn: those that were taken are void.
        self.caps.changes.send_replace(());
    }

    /// All caps, as they were set.
    #[must_use]
    pub fn limits(&self) -> BandwidthLimits {
        let lines = self.caps.lines();
        let caps = lines.iter();
        BandwidthLimits {
            process: self.caps.process.rate(),
            pairs: caps
                .filter_map(|(pair, line)| Some((pair.clone(), line.cap?)))
                .collect(),
        }
    }

    /// What this process may have of a pair's cap now, in bytes a second; none: there is no cap.
    #[must_use]
    pub fn part(&self, source: &RegionId, destination: &RegionId) -> Option<NonZeroU64> {
        let pair = (source.clone(), destination.clone());
        self.caps.lines().get(&pair).and_then(Line::part)
    }

    /// A copy from a source to a destination begins.
    #[must_use]
    pub fn begin(&self, source: &RegionId, destination: &RegionId) -> Copying {
        let copying = Copying {
            caps: self.caps.clone(),
            pair: (source.clone(), destination.clone()),
        };
        copying.change(Line::begin);
        copying
    }

    /// For a copy from a source to a destination.
    pub(crate) fn between(&self, source: &RegionId, destination: &RegionId) -> Pace {
        let pair = (source.clone(), destination.clone());
        let bucket = self.caps.lines().entry(pair).or_default().bucket.clone();
        Pace {
            copy: Arc::new(Copy {
                buckets: [self.caps.process.clone(), bucket],
                changes: self.caps.changes.subscribe(),
                was_held_back: AtomicBool::new(false),
            }),
        }
    }
}

// === impl Caps ===

impl Caps {
    fn lines(&self) -> MutexGuard<'_, BTreeMap<Pair, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Copying ===

impl Copying {
    /// So many copies run between its regions, in all processes. What this process may have, if that is something else
    /// now.
    pub fn told(&self, everywhere: u32) -> Option<NonZeroU64> {
        let mut changed = None;
        self.change(|line| {
            let before = line.part();
            line.told(everywhere);
            changed = line.part().filter(|now| before != Some(*now));
        });
        changed
    }

    fn change(&self, change: impl FnOnce(&mut Line)) {
        change(self.caps.lines().entry(self.pair.clone()).or_default());
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        self.change(Line::end);
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
