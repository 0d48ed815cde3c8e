//! What is counted of plans: derived from each commit, so that nothing is counted twice.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicI64;

use domain::{ImageId, RunResult};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::plan_record::{PlanRecord, Run};

/// Label of how a fire ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// Every way in which a fire ends.
const RESULTS: [RunResult; 5] = [
    RunResult::Success,
    RunResult::Fail,
    RunResult::Aborted,
    RunResult::Skipped,
    RunResult::Missed,
];

impl From<RunResult> for ResultLabel {
    fn from(result: RunResult) -> Self {
        let result = match result {
            RunResult::Success => "success",
            RunResult::Fail => "fail",
            RunResult::Aborted => "aborted",
            RunResult::Skipped => "skipped",
            RunResult::Missed => "missed",
        };
        Self { result }
    }
}

/// The metrics of plans.
#[derive(Debug)]
pub struct PlanMetrics {
    plans: Gauge<i64, AtomicI64>,
    begun: Counter,
    fires: Family<ResultLabel, Counter>,
    lag_seconds: Histogram,
    made: Counter,
    removed: Counter,
    unreadable: Counter,
}

impl PlanMetrics {
    /// Metrics, entered into the registry.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            plans: Gauge::default(),
            begun: Counter::default(),
            fires: Family::default(),
            // From 50 milliseconds to almost an hour.
            lag_seconds: Histogram::new(exponential_buckets(0.05, 3.0, 11)),
            made: Counter::default(),
            removed: Counter::default(),
            unreadable: Counter::default(),
        };
        registry.register("plans", "Plans that stand", metrics.plans.clone());
        registry.register(
            "plan_runs_begun",
            "Fires of plans that began a run",
            metrics.begun.clone(),
        );
        registry.register(
            "plan_fires",
            "Fires of plans that came to an end, by how",
            metrics.fires.clone(),
        );
        registry.register_with_unit(
            "plan_fire_lag",
            "From the time that a fire was due to the begin of its run",
            Unit::Seconds,
            metrics.lag_seconds.clone(),
        );
        registry.register(
            "plan_replicas_made",
            "Replicas that plans recorded",
            metrics.made.clone(),
        );
        registry.register(
            "plan_replicas_removed",
            "Replicas that rotation removed",
            metrics.removed.clone(),
        );
        registry.register(
            "unreadable_plans",
            "Looks at plans that could not be read",
            metrics.unreadable.clone(),
        );
        // A series that appears with its first event looks to an alert as if nothing had happened.
        for result in RESULTS {
            drop(metrics.fires.get_or_create(&result.into()));
        }
        metrics
    }

    /// A plan has been replaced by another version of it.
    pub(crate) fn changed(&self, before: &PlanRecord, after: &PlanRecord) {
        if after.last_fire != before.last_fire {
            self.begun.inc();
            if let Some((due, begun)) = latest(after) {
                let lag = begun.duration_since(due).as_secs_f64();
                self.lag_seconds.observe(lag.max(0.0));
            }
        }
        let ended = |record: &PlanRecord| {
            let last = record.last_run.as_ref()?;
            Some((last.scheduled_for, last.ended_at?, last.result?))
        };
        if let Some((_, _, result)) = ended(after).filter(|it| Some(*it) != ended(before)) {
            self.ended(result, 1);
        }
        let skipped = |record: &PlanRecord| record.run.as_ref().map_or(0, |run| run.skipped);
        let more = skipped(after).saturating_sub(skipped(before));
        if more > 0 {
            self.ended(RunResult::Skipped, more.into());
        }
        let images = |record: &PlanRecord| -> BTreeSet<ImageId> {
            let points = record.points.iter();
            points.map(|it| it.point.image_id).collect()
        };
        let (had, has) = (images(before), images(after));
        self.made.inc_by(count(has.difference(&had).count()));
        self.removed.inc_by(count(had.difference(&has).count()));
    }

    /// A plan could not be read.
    pub(crate) fn unreadable(&self) {
        self.unreadable.inc();
    }

    /// How many there are.
    pub(crate) fn counted(&self, plans: usize) {
        self.plans.set(i64::try_from(plans).unwrap_or(i64::MAX));
    }

    fn ended(&self, result: RunResult, times: u64) {
        self.fires.get_or_create(&result.into()).inc_by(times);
    }
}

/// When the newest run was due, and when it began.
fn latest(record: &PlanRecord) -> Option<(Timestamp, Timestamp)> {
    let under_way = record.run.as_ref();
    let under_way = under_way.map(|run: &Run| (run.scheduled_for, run.started_at));
    let last = record.last_run.as_ref();
    under_way.or_else(|| last.map(|run| (run.scheduled_for, run.started_at)))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
