//! The sign of life that tells an outage of all schedulers from a quiet time.
//!
//! A task of its own: however long the reconciler is busy, the mark is written in time, for a late one
//! looks like an outage, after which no lease is expired for a while.

use tokio_util::sync::CancellationToken;

use crate::jobs::Jobs;

/// Marks until shutdown. An outage of the store is the reconciler's to report.
pub(crate) async fn run(jobs: Jobs, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(jobs.settings.reconcile_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let mark = jobs
            .store
            .mark_serving(jobs.now(), jobs.settings.serving_gap);
        if let Err(error) = mark.await {
            tracing::debug!(error = %error, "not marked as serving");
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use domain::RegionId;
    use jiff::SignedDuration;
    use prometheus_client::registry::Registry;
    use service_kit::{Clock as _, ManualClock};
    use tokio::sync::Notify;

    use super::*;
    use crate::lifecycle::sample::{at, rules};
    use crate::metrics::Metrics;
    use crate::pair_count::PairCount;
    use crate::settings::Settings;
    use crate::store::Store as _;
    use crate::store::memory::MemoryStore;
    use crate::store::shape::{Limits, Shape};

    const GAP: Duration = Duration::from_secs(10);

    /// Jobs of a store, under rules that a test seldom meets.
    pub(crate) fn jobs(store: MemoryStore, clock: ManualClock, shape: Shape) -> Jobs {
        let settings = Settings {
            shape,
            rules: rules(),
            queued_per_tenant: 1,
            idempotency_window: GAP,
            first_ticket: GAP,
            ticket_first: GAP,
            ticket_longest: GAP,
            heartbeat: Duration::from_secs(1),
            serving_gap: GAP,
            reconcile_every: Duration::from_secs(1),
            plans_per_tenant: 1,
            shortest_plan_period: GAP,
            plan_late_window: GAP,
        };
        Jobs {
            store: Arc::new(store),
            clock: Arc::new(clock),
            settings: Arc::new(settings),
            metrics: Arc::new(Metrics::register(&mut Registry::default())),
            nudge: Arc::new(Notify::new()),
            plan_nudge: Arc::new(Notify::new()),
            pair_count: PairCount::default(),
        }
    }

    /// Regions that do one thing at a time.
    pub(crate) fn shape(regions: &[&str]) -> Shape {
        Shape {
            regions: regions.iter().copied().map(RegionId::new).collect(),
            limits: Limits {
                copies_per_tenant: 1,
                copies_per_source: 1,
                copies_per_destination: 1,
            },
        }
    }

    /// The reconciler, busy with one long round, is not even there.
    #[tokio::test(start_paused = true)]
    async fn schedulers_serve_without_a_gap_however_busy_they_are() {
        let shape = shape(&["ot1"]);
        let (store, clock) = (MemoryStore::new(shape.clone()), ManualClock::at(at(0)));
        let shutdown = CancellationToken::new();
        let jobs = jobs(store.clone(), clock.clone(), shape);
        let marking = tokio::spawn(run(jobs, shutdown.clone()));
        tokio::time::sleep(Duration::from_millis(100)).await;
        for _ in 0..30 {
            clock.advance(SignedDuration::from_secs(1));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let since = store.mark_serving(clock.now(), GAP).await;
        assert_eq!(since, Ok(at(0)));
        shutdown.cancel();
        marking.await.expect("no panic");
    }
}
