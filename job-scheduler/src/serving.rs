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
