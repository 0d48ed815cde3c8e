//! Counts for operators: what runs and waits in each region, and where nobody works.
//!
//! Every scheduler counts the same in the store they share, so any one of them tells it all.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fairness::candidates;
use crate::jobs::Jobs;
use crate::store::StoreError;
use crate::unattended::{News, Unattended};

/// How often it is counted.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// Counts until shutdown. An outage of the store is the reconciler's to report.
pub(crate) async fn run(jobs: Jobs, patience: Duration, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(COUNT_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut unattended = Unattended::new(patience);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = count(&jobs, &mut unattended).await {
            tracing::debug!(error = %error, "not counted");
        }
    }
}

async fn count(jobs: &Jobs, unattended: &mut Unattended) -> Result<(), StoreError> {
    for region in &jobs.settings.shape.regions {
        let census = jobs.store.census(region).await?;
        jobs.metrics.counted(region, census);
        let view = jobs.store.region_view(region).await?;
        let next = candidates(&view, None, &jobs.settings.shape.limits);
        let next = next.first().copied();
        match unattended.look(region, census.running, next, Instant::now()) {
            Some(News::Nobody(job)) => tracing::warn!(
                region.id = %region,
                job.id = %job,
                units.waiting = census.waiting,
                "no worker takes what waits for this region: is there one?"
            ),
            Some(News::Over) => {
                tracing::info!(region.id = %region, "what waited for this region is taken again");
            }
            None => {}
        }
        jobs.metrics
            .unattended(region, unattended.is_unattended(region));
    }
    Ok(())
}
