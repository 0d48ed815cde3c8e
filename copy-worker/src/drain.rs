//! The end of a worker: units that can finish do, the others are handed back, so that another worker
//! starts on them at once and not when their leases end.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// How long a worker may take to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drain {
    /// In all.
    pub(crate) length: Duration,
    /// The last part of it, for handing back.
    pub(crate) hand_back: Duration,
}

/// Waits for the units until the drain that began at `started_at` is over, and hands back what still runs in its
/// last part.
pub(crate) async fn drain(
    units: &TaskTracker,
    hand_back: &CancellationToken,
    started_at: Instant,
    drain: Drain,
) {
    let end = started_at + drain.length;
    units.close();
    if timeout_at(end - drain.hand_back, units.wait())
        .await
        .is_ok()
    {
        return;
    }
    info!(
        units.running = units.len(),
        "the units that still run are handed back"
    );
    hand_back.cancel();
    if timeout_at(end, units.wait()).await.is_err() {
        // Their leases end by themselves, and what they leave is known as leftovers.
        warn!(units.running = units.len(), "units are abandoned");
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    fn of_seconds(length: u64, hand_back: u64) -> Drain {
        Drain {
            length: Duration::from_secs(length),
            hand_back: Duration::from_secs(hand_back),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn short_units_finish_and_long_ones_are_handed_back() {
        let (units, hand_back) = (TaskTracker::new(), CancellationToken::new());
        let started_at = Instant::now();
        let short = units.spawn({
            let hand_back = hand_back.clone();
            async move {
                sleep(Duration::from_secs(20)).await;
                hand_back.is_cancelled()
            }
        });
        let long = units.spawn(hand_back.clone().cancelled_owned());
        drain(&units, &hand_back, started_at, of_seconds(60, 15)).await;
        assert!(!short.await.expect("no panic"), "was handed back");
        long.await.expect("no panic");
        assert_eq!(started_at.elapsed(), Duration::from_secs(45));
    }

    #[tokio::test(start_paused = true)]
    async fn a_unit_that_does_not_end_does_not_hold_the_process() {
        let (units, hand_back) = (TaskTracker::new(), CancellationToken::new());
        let started_at = Instant::now();
        units.spawn(std::future::pending::<()>());
        drain(&units, &hand_back, started_at, of_seconds(6, 2)).await;
        assert_eq!(started_at.elapsed(), Duration::from_secs(6));
    }
}
