//! The end of a worker: units that can finish do, the others are handed back, so that another worker
//! starts on them at once and not when their leases end.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long a worker may take to end.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    /// In all.
    pub length: Duration,
    /// The last part of it, for handing back.
    pub hand_back: Duration,
}

/// Waits for the units until the drain that began at `started_at` is over, and hands back what still runs in its
/// last part.
pub(crate) async fn drain(
    units: &mut JoinSet<()>,
    hand_back: &CancellationToken,
    started_at: Instant,
    drain: Drain,
) {
    let end = started_at + drain.length;
    if timeout_at(end - drain.hand_back, all_ended(units))
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
    if timeout_at(end, all_ended(units)).await.is_err() {
        // Their leases end by themselves, and what they leave is known as leftovers.
        warn!(units.running = units.len(), "units are abandoned");
    }
}

/// Dropped half-way, it has forgotten none that still runs.
async fn all_ended(units: &mut JoinSet<()>) {
    while units.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;
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
        let (mut units, hand_back) = (JoinSet::new(), CancellationToken::new());
        let started_at = Instant::now();
        let (told, was_handed_back) = oneshot::channel();
        units.spawn({
            let hand_back = hand_back.clone();
            async move {
                sleep(Duration::from_secs(20)).await;
                told.send(hand_back.is_cancelled()).expect("somebody hears");
            }
        });
        units.spawn(hand_back.clone().cancelled_owned());
        drain(&mut units, &hand_back, started_at, of_seconds(60, 15)).await;
        assert_eq!(was_handed_back.await, Ok(false));
        assert!(units.is_empty());
        assert_eq!(started_at.elapsed(), Duration::from_secs(45));
    }

    #[tokio::test(start_paused = true)]
    async fn a_unit_that_does_not_end_does_not_hold_the_process() {
        let (mut units, hand_back) = (JoinSet::new(), CancellationToken::new());
        let started_at = Instant::now();
        units.spawn(std::future::pending::<()>());
        drain(&mut units, &hand_back, started_at, of_seconds(6, 2)).await;
        assert_eq!(started_at.elapsed(), Duration::from_secs(6));
    }
}
