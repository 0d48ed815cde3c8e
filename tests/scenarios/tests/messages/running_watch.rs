//! The copies of one tenant that hold a lease, looked at all the while in the scheduler's store.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use redis::AsyncCommands;
use testbed::TestBed;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// What was seen while more work was queued than could run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// Looks in all.
    pub(crate) looks: usize,
    /// Looks at which as many copies ran as may.
    pub(crate) full: usize,
    /// The most copies at once, whether or not more was queued.
    pub(crate) most: usize,
}

/// Watches one tenant until it is dropped.
pub(crate) struct RunningWatch {
    seen: Arc<Mutex<Seen>>,
    watching: AbortOnDropHandle<anyhow::Result<()>>,
}

impl RunningWatch {
    /// Starts to look at the copies of `tenant` from `ot1` into `ot2`, of which `limit` may run.
    pub(crate) async fn start(bed: &TestBed, tenant: &str, limit: usize) -> anyhow::Result<Self> {
        let mut redis = bed.redis().await?;
        let running = format!("image-replicator:running:tenant:ot2:{tenant}");
        let eligible = format!("image-replicator:eligible:ot2:ot1:{tenant}");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let record = seen.clone();
        let watching = tokio::spawn(async move {
            let mut looks = interval(PAUSE);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                // Asked first: what waits now has been waiting while the others are counted.
                let waiting: usize = redis.zcard(&eligible).await?;
                let running: usize = redis.scard(&running).await?;
                let mut seen = record.lock().unwrap_or_else(PoisonError::into_inner);
                seen.most = seen.most.max(running);
                if waiting > 0 {
                    seen.looks += 1;
                    seen.full += usize::from(running == limit);
                }
            }
        });
        Ok(Self {
            seen,
            watching: AbortOnDropHandle::new(watching),
        })
    }

    /// What was seen so far.
    pub(crate) fn seen(&self) -> anyhow::Result<Seen> {
        ensure!(!self.watching.is_finished(), "the watch has ended");
        Ok(*self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
