//! Wall time, made of the paused clock: one for all, with an offset of its own for each scheduler.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use service_kit::Clock;
use tokio::time::Instant;

/// A scheduler's clock; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct SimulatedClock {
    begun_at: Instant,
    ahead_millis: Arc<AtomicI64>,
}

/// The time at which every run begins.
const BEGINNING: i64 = 1_750_000_000;

impl SimulatedClock {
    /// One that begins to run now.
    pub(crate) fn new() -> Self {
        Self {
            begun_at: Instant::now(),
            ahead_millis: Arc::default(),
        }
    }

    /// Another one of the same beginning.
    pub(crate) fn another(&self) -> Self {
        Self {
            begun_at: self.begun_at,
            ahead_millis: Arc::default(),
        }
    }

    pub(crate) fn set_ahead(&self, millis: i64) {
        self.ahead_millis.store(millis, Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.begun_at.elapsed().as_millis()).unwrap_or(i64::MAX);
        let ahead = self.ahead_millis.load(Ordering::Relaxed);
        let beginning = Timestamp::from_second(BEGINNING).expect("within range");
        let now = beginning.checked_add(SignedDuration::from_millis(passed.saturating_add(ahead)));
        now.unwrap_or(Timestamp::MAX)
    }
}
