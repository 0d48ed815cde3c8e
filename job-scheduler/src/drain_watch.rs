//! Says which regions are drained, whichever scheduler an operator told: by log, metric and readiness detail.

use domain::RegionId;
use service_kit::admin::Note;
use tokio_util::sync::CancellationToken;

use crate::jobs::Jobs;
use crate::store::StoreError;
use crate::store::admin::Drain;

/// Where it is said.
pub(crate) struct DrainWatch {
    jobs: Jobs,
    note: Note,
    /// Regions of which the log says that they are drained.
    logged: Vec<RegionId>,
}

// === impl DrainWatch ===

impl DrainWatch {
    pub(crate) const fn new(jobs: Jobs, note: Note) -> Self {
        Self {
            jobs,
            note,
            logged: Vec::new(),
        }
    }

    /// Looks until shutdown. An outage of the store is the reconciler's to report.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(self.jobs.settings.reconcile_every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.look().await {
                tracing::debug!(error = %error, "it is not known which regions are drained");
            }
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let drains = self.jobs.store.drains().await?;
        let drain_of = |region: &RegionId| drains.iter().find(|(drained, _)| drained == region);
        for region in &self.jobs.settings.shape.regions {
            let drain = drain_of(region);
            self.jobs.metrics.drained(region, drain.is_some());
            match (drain, self.logged.contains(region)) {
                (Some((_, Drain { operator, since })), false) => tracing::warn!(
                    region.id = %region,
                    drain.operator = operator,
                    since = format!("{since:.0}"),
                    "the region is drained: nothing of it is granted"
                ),
                (None, true) => {
                    tracing::info!(region.id = %region, "the region is drained no longer");
                }
                (Some(_), true) | (None, false) => {}
            }
        }
        self.note.say(sentence(&drains));
        self.logged = drains.into_iter().map(|(region, _)| region).collect();
        Ok(())
    }
}

/// What `/readyz` says.
fn sentence(drains: &[(RegionId, Drain)]) -> String {
    if drains.is_empty() {
        return "no region".to_owned();
    }
    let each = drains.iter().map(|(region, Drain { operator, since })| {
        format!("{region} since {since:.0} by {operator}: nothing of it is granted until it is undrained")
    });
    each.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use service_kit::ManualClock;
    use service_kit::admin::Readiness;

    use super::*;
    use crate::lifecycle::sample::at;
    use crate::serving::tests::{jobs, shape};
    use crate::store::admin::AdminStore as _;
    use crate::store::memory::MemoryStore;

    #[tokio::test]
    async fn readiness_names_the_drained_regions_and_who_drained_them_until_they_are_undrained() {
        let shape = shape(&["ot1", "ot2"]);
        let store = MemoryStore::new(shape.clone());
        let jobs = jobs(store.clone(), ManualClock::at(at(0)), shape);
        let readiness = Readiness::default();
        let mut watch = DrainWatch::new(jobs, readiness.note("drained"));
        let region = RegionId::new("ot2");
        let drain = Drain {
            operator: "olga".to_owned(),
            since: at(0),
        };
        let mut said = async || {
            watch.look().await.expect("answers");
            readiness.report()["drained"].clone()
        };
        assert_eq!(said().await, "no region");
        store.drain(&region, &drain).await.expect("answers");
        let drained = said().await;
        assert!(
            drained.starts_with("ot2 since 2023-11-14T22:13:20Z by olga: nothing"),
            "{drained}"
        );
        store.undrain(&region).await.expect("answers");
        assert_eq!(said().await, "no region");
    }
}
