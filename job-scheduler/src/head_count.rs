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
    let drains = jobs.store.drains().await?;
    for region in &jobs.settings.shape.regions {
        let census = jobs.store.census(region).await?;
        jobs.metrics.counted(region, &census, jobs.now());
        let view = jobs.store.region_view(region).await?;
        let next = candidates(&view, None, &jobs.settings.shape.limits);
        // What a drained region has waits on purpose.
        let is_drained = drains.iter().any(|(drained, _)| drained == region);
        let next = next.first().copied().filter(|_| !is_drained);
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

#[cfg(test)]
mod tests {
    use domain::RegionId;
    use service_kit::ManualClock;

    use super::*;
    use crate::intake::{Wanted, create};
    use crate::lifecycle::sample::{at, job_id, spec};
    use crate::serving::tests::{jobs, shape};
    use crate::store::admin::{AdminStore as _, Drain};
    use crate::store::memory::MemoryStore;

    #[tokio::test]
    async fn what_waits_in_a_drained_region_waits_on_purpose() {
        let shape = shape(&["ot1", "ot2"]);
        let store = MemoryStore::new(shape.clone());
        let jobs = jobs(store.clone(), ManualClock::at(at(0)), shape);
        let wanted = Wanted {
            id: job_id(1),
            spec: spec("t1"),
            idempotency: None,
            not_after: None,
        };
        create(&jobs, wanted).await.expect("accepted");
        let region = RegionId::new("ot2");
        let drain = Drain {
            operator: "olga".to_owned(),
            since: at(0),
        };
        store.drain(&region, &drain).await.expect("answers");
        let mut unattended = Unattended::new(Duration::ZERO);
        for is_drained in [true, false] {
            count(&jobs, &mut unattended).await.expect("answers");
            assert_eq!(unattended.is_unattended(&region), !is_drained);
            store.undrain(&region).await.expect("answers");
        }
    }
}
