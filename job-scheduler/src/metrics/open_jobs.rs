//! Copy jobs that are not final, as a look at the store has found them: how many, and how old the oldest is.

use std::sync::atomic::{AtomicI64, AtomicU64};

use domain::RegionId;
use jiff::Timestamp;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::{JobLabels, job};
use crate::store::{OpenJobs, open_statuses};

/// The metrics of open jobs.
#[derive(Debug, Default)]
pub(super) struct OpenJobMetrics {
    jobs: Family<JobLabels, Gauge<i64, AtomicI64>>,
    oldest: Family<JobLabels, Gauge<f64, AtomicU64>>,
}

impl OpenJobMetrics {
    /// Metrics, entered into the registry.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("jobs", "Copy jobs that are not final", metrics.jobs.clone());
        registry.register_with_unit(
            "oldest_job_age",
            "Since the acceptance of the oldest job in a status; of replicate_requested: the queue's age",
            Unit::Seconds,
            metrics.oldest.clone(),
        );
        metrics
    }

    /// A job was accepted: from now on its way is told of, also when no look finds a job there.
    pub(super) fn opened(&self, source: &RegionId, destination: &RegionId) {
        for status in open_statuses() {
            let labels = job(status, source, destination);
            drop(self.jobs.get_or_create(&labels));
            drop(self.oldest.get_or_create(&labels));
        }
    }

    /// What was found of one destination region. A way that no job has ever taken has no series.
    pub(super) fn counted(&self, destination: &RegionId, open: &[OpenJobs], now: Timestamp) {
        for found in open {
            let labels = job(found.status, &found.source, destination);
            if found.count == 0 && self.jobs.get(&labels).is_none() {
                continue;
            }
            let count = i64::try_from(found.count).unwrap_or(i64::MAX);
            self.jobs.get_or_create(&labels).set(count);
            let age = found.oldest.map_or(0.0, |accepted| {
                now.duration_since(accepted).as_secs_f64().max(0.0)
            });
            self.oldest.get_or_create(&labels).set(age);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::JobStatus;

    use super::*;
    use crate::lifecycle::sample::at;

    #[test]
    fn a_way_is_told_of_from_its_first_job_on_also_when_it_is_empty_again() {
        let metrics = OpenJobMetrics::default();
        let (source, destination) = (RegionId::new("ot1"), RegionId::new("ot2"));
        let found = |count, oldest| OpenJobs {
            source: source.clone(),
            status: JobStatus::ReplicateRequested,
            count,
            oldest,
        };
        let labels = job(JobStatus::ReplicateRequested, &source, &destination);
        metrics.counted(&destination, &[found(0, None)], at(0));
        assert!(metrics.jobs.get(&labels).is_none());
        metrics.opened(&source, &destination);
        let count = metrics.jobs.get(&labels).map(|gauge| gauge.get());
        assert_eq!(count, Some(0));
        metrics.counted(&destination, &[found(2, Some(at(0)))], at(90));
        let age = || metrics.oldest.get_or_create(&labels).get();
        assert_eq!(metrics.jobs.get_or_create(&labels).get(), 2);
        assert!((age() - 90.0).abs() < f64::EPSILON);
        metrics.counted(&destination, &[found(0, None)], at(91));
        assert_eq!(metrics.jobs.get_or_create(&labels).get(), 0);
        assert!(age().abs() < f64::EPSILON);
    }
}
