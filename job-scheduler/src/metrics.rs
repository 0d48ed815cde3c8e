//! What the scheduler counts. Labels are bounded: statuses, kinds of work and configured regions.

mod plans;

use std::sync::atomic::AtomicI64;

use domain::{JobStatus, RegionId, UnitKind};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

pub use self::plans::PlanMetrics;
use crate::job_record::JobRecord;
use crate::store::Census;

/// Label of a job's status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: &'static str,
}

/// Labels of a unit of work.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UnitLabel {
    kind: &'static str,
    region: String,
}

/// Label of a destination region.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RegionLabel {
    region: String,
}

/// The scheduler's metrics.
#[derive(Debug)]
pub struct Metrics {
    transitions: Family<StatusLabel, Counter>,
    grants: Family<UnitLabel, Counter>,
    lapsed: Family<UnitLabel, Counter>,
    queue_seconds: Histogram,
    running: Family<RegionLabel, Gauge<i64, AtomicI64>>,
    leftovers: Family<RegionLabel, Gauge<i64, AtomicI64>>,
    messages: Family<RegionLabel, Counter>,
    unreadable: Counter,
    unsafe_settings: Gauge<i64, AtomicI64>,
    replicas: Gauge<i64, AtomicI64>,
    /// Those of plans.
    pub(crate) plans: PlanMetrics,
}

impl Metrics {
    /// Metrics, entered into the registry.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("scheduler");
        let metrics = Self {
            transitions: Family::default(),
            grants: Family::default(),
            lapsed: Family::default(),
            // From a second to about twelve days.
            queue_seconds: Histogram::new(exponential_buckets(1.0, 4.0, 11)),
            running: Family::default(),
            leftovers: Family::default(),
            messages: Family::default(),
            unreadable: Counter::default(),
            unsafe_settings: Gauge::default(),
            replicas: Gauge::default(),
            plans: PlanMetrics::register(registry),
        };
        registry.register(
            "job_transitions",
            "Jobs that entered a status",
            metrics.transitions.clone(),
        );
        registry.register(
            "grants",
            "Units of work that were granted to workers",
            metrics.grants.clone(),
        );
        registry.register(
            "leases_lost",
            "Leases that ran out without a renewal",
            metrics.lapsed.clone(),
        );
        registry.register_with_unit(
            "queue_time",
            "From a copy's acceptance to its first grant",
            Unit::Seconds,
            metrics.queue_seconds.clone(),
        );
        registry.register(
            "copies_running",
            "Copies under a lease",
            metrics.running.clone(),
        );
        registry.register(
            "jobs_with_leftovers",
            "Jobs with images that were granted, are not under way and not known to be gone",
            metrics.leftovers.clone(),
        );
        registry.register(
            "messages",
            "Messages published for units of work that nobody took",
            metrics.messages.clone(),
        );
        registry.register(
            "unreadable_records",
            "Looks at job records that could not be read and were set aside",
            metrics.unreadable.clone(),
        );
        registry.register(
            "store_unsafe_settings",
            "Settings of Redis under which an accepted job could be lost",
            metrics.unsafe_settings.clone(),
        );
        registry.register(
            "store_replicas",
            "Replicas of Redis that are connected",
            metrics.replicas.clone(),
        );
        metrics
    }

    /// A new job stands.
    pub(crate) fn accepted(&self, record: &JobRecord) {
        if record.copy().is_some() {
            self.entered(record.status);
        }
    }

    /// A record has been replaced by another.
    pub(crate) fn changed(&self, before: &JobRecord, after: &JobRecord, now: Timestamp) {
        let is_copy = after.copy().is_some();
        if before.status != after.status && is_copy {
            self.entered(after.status);
        }
        let token = |record: &JobRecord| record.lease.as_ref().map(|lease| lease.token);
        if let Some(lease) = &after.lease {
            if token(before) != Some(lease.token) {
                self.grants.get_or_create(&unit(after, lease.kind)).inc();
            }
            if lease.lapsed && before.held_lease().is_some() {
                self.lapsed.get_or_create(&unit(after, lease.kind)).inc();
            }
        }
        if before.started_at.is_none() && after.started_at.is_some() && is_copy {
            let waited = now.duration_since(after.created_at).as_secs_f64();
            self.queue_seconds.observe(waited);
        }
    }

    /// A message was published.
    pub(crate) fn published(&self, region: &RegionId) {
        self.messages.get_or_create(&label(region)).inc();
    }

    /// A record could not be read.
    pub(crate) fn unreadable(&self) {
        self.unreadable.inc();
    }

    /// A region's counts.
    pub(crate) fn counted(&self, region: &RegionId, census: Census) {
        let count = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
        let label = label(region);
        self.running
            .get_or_create(&label)
            .set(count(census.running));
        self.leftovers
            .get_or_create(&label)
            .set(count(census.leftovers));
    }

    /// What Redis would lose in a crash.
    pub(crate) fn durability(&self, concerns: usize, replicas: u64) {
        self.unsafe_settings
            .set(i64::try_from(concerns).unwrap_or(i64::MAX));
        self.replicas
            .set(i64::try_from(replicas).unwrap_or(i64::MAX));
    }

    fn entered(&self, status: JobStatus) {
        let status = status.as_str();
        self.transitions
            .get_or_create(&StatusLabel { status })
            .inc();
    }
}

fn label(region: &RegionId) -> RegionLabel {
    RegionLabel {
        region: region.to_string(),
    }
}

fn unit(record: &JobRecord, kind: UnitKind) -> UnitLabel {
    UnitLabel {
        kind: kind.as_str(),
        region: record.region().to_string(),
    }
}
