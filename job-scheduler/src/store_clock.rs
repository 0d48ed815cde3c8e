//! Wall time as Redis tells it: the one clock that all schedulers share.
//!
//! Leases, backoffs and deadlines are written by one scheduler and judged by another. Were their own
//! clocks some seconds apart, one would expire leases that the other has just renewed. So each takes
//! its time from Redis, and counts on from what Redis said last with a clock that nobody can set: also
//! while Redis is away. The local wall clock counts only until Redis has been asked for the first time;
//! were it to jump by a week, no deadline would notice.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
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
    heard: Arc<RwLock<Option<Heard>>>,
}

/// What Redis said, and when.
#[derive(Debug, Clone, Copy)]
struct Heard {
    time: Timestamp,
    at: Instant,
    /// How far that was ahead of the local clock, in milliseconds.
    ahead: i64,
}

// === impl StoreClock ===

impl StoreClock {
    /// A clock that agrees with the local one until Redis is asked.
    #[must_use]
    pub fn new(local: Arc<dyn Clock>) -> Self {
        Self {
            local,
            heard: Arc::default(),
        }
    }

    /// Asks Redis for the time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; the clock goes on.
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
        self.follow(Heard {
            time: theirs,
            at: asked + took / 2,
            ahead: theirs.as_millisecond() - ours,
        });
        Ok(())
    }

    fn follow(&self, heard: Heard) {
        let before = {
            let mut last = self.heard.write().unwrap_or_else(PoisonError::into_inner);
            last.replace(heard)
        };
        let is_notable = |ahead: i64| ahead.unsigned_abs() > NOTABLE;
        if is_notable(heard.ahead) && !before.is_some_and(|before| is_notable(before.ahead)) {
            tracing::warn!(
                ahead.milliseconds = heard.ahead,
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
        let heard = *self.heard.read().unwrap_or_else(PoisonError::into_inner);
        let counted = heard.and_then(|heard| heard.time.checked_add(heard.at.elapsed()).ok());
        counted.unwrap_or_else(|| self.local.now())
    }
}
