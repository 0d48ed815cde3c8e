//! What is left to chance in a run: latencies and small mishaps, all drawn from one seeded sequence.

use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use tokio::time::sleep;

/// A seeded sequence of draws.
#[derive(Debug)]
pub(crate) struct Chance(Mutex<Xoshiro256PlusPlus>);

impl Chance {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed)))
    }

    pub(crate) fn within(&self, range: RangeInclusive<u64>) -> u64 {
        let mut sequence = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sequence.random_range(range)
    }

    pub(crate) fn index(&self, length: usize) -> usize {
        let mut sequence = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sequence.random_range(0..length)
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn percent(&self, percent: u64) -> bool {
        percent > 0 && self.within(1..=100) <= percent
    }

    pub(crate) fn millis(&self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// Waits, in `percent` of a hundred cases, for so many milliseconds.
    pub(crate) async fn pause(&self, percent: u64, millis: RangeInclusive<u64>) {
        if self.percent(percent) {
            sleep(self.millis(millis)).await;
        }
    }
}
