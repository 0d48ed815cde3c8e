//! Wall time as Redis tells it: the one clock that all schedulers share.
//!
//! Leases, backoffs and deadlines are written by one scheduler and judged by another. Were their own
//! clocks some seconds apart, one would expire leases that the other has just renewed. So each follows
//! the clock of Redis by its distance from the local one, which also tells the time while Redis is
//! away.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use service_kit::Clock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::store::StoreError;
use crate::store::redis::RedisStore;

/// An answer that took longer says too little about the time.
const LONGEST_ASKING: Duration = Duration::from_secs(1);
/// A distance from the local clock that somebody should look into, in milliseconds.
const NOTABLE: u64 = 1_000;

/// The clock of Redis. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StoreClock {
    local: Arc<dyn Clock>,
    /// How far Redis is ahead of the local clock, in milliseconds.
    ahead: Arc<AtomicI64>,
}

// === impl StoreClock ===

impl StoreClock {
    /// A clock that agrees with the local one until Redis is asked.
    #[must_use]
    pub fn new(local: Arc<dyn Clock>) -> Self {
        Self {
            local,
            ahead: Arc::default(),
        }
    }

    /// Asks Redis for the time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; the distance stays what it was.
    pub async fn ask(&self, store: &RedisStore) -> Result<(), StoreError> {
        let asked = Instant::now();
        let theirs = store.time().await?;
        let took = asked.elapsed();
        if took > LONGEST_ASKING {
            return Ok(());
        }
        // The answer was given half-way, as far as anybody can tell.
        let half = i64::try_from(took.as_millis() / 2).unwrap_or_default();
        let ours = self.local.now().as_millisecond() - half;
        self.follow(theirs.as_millisecond() - ours);
        Ok(())
    }

    fn follow(&self, ahead: i64) {
        let before = self.ahead.swap(ahead, Ordering::Relaxed);
        if ahead.unsigned_abs() > NOTABLE && before.unsigned_abs() <= NOTABLE {
            tracing::warn!(
                ahead.milliseconds = ahead,
                "the clocks of redis and of this machine differ; that of redis counts"
            );
        }
    }

    /// Follows the clock of Redis until shutdown, asking at this period.
    pub async fn run(self, store: Arc<RedisStore>, every: Duration, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.ask(&store).await {
                tracing::debug!(error = %error, "redis did not tell the time");
            }
        }
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_millis(self.ahead.load(Ordering::Relaxed));
        let now = self.local.now();
        now.checked_add(ahead).unwrap_or(now)
    }
}
