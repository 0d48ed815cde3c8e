//! What the scheduler counts. Labels are bounded: statuses, kinds of work and configured regions. `docs/metrics.md` lists
//! all of them.
//!
//! Events are counted where they are committed. What stands is counted by a look every few seconds whose cost does not
//! depend on the number of jobs; a scrape only reads what was counted.

mod open_jobs;
mod plans;
mod store_calls;

use std::sync::atomic::AtomicI64;

use domain::{JobStatus, RegionId, UnitKind};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use self::open_jobs::OpenJobMetrics;
pub use self::plans::PlanMetrics;
pub use self::store_calls::StoreCalls;
use crate::job_record::JobRecord;
use crate::store::Census;
use crate::store::redis::{ConcernKind, Durability};
use crate::store_watch::Loss;

/// Label of how a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: &'static str,
}

/// Labels of a job: its status, and between which regions it copies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    status: &'static str,
    source: String,
    destination: String,
}

/// Labels of a unit of work.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UnitLabel {
    kind: &'static str,
    region: String,
}

/// Label of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// Why a job is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its tenant has too many that are not final.
    TenantLimit,
    /// Redis has no memory left.
    StoreFull,
    /// Redis could lose it, and the operator wants none accepted then.
    StoreNotDurable,
}

impl Refusal {
    const ALL: [Self; 3] = [Self::TenantLimit, Self::StoreFull, Self::StoreNotDurable];
}

impl From<Refusal> for ReasonLabel {
    fn from(why: Refusal) -> Self {
        let reason = match why {
            Refusal::TenantLimit => "tenant_limit",
            Refusal::StoreFull => "store_full",
            Refusal::StoreNotDurable => "store_not_durable",
        };
        Self { reason }
    }
}

/// Label of a destination region.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RegionLabel {
    region: String,
}

/// Label of what is wrong with Redis.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConcernLabel {
    concern: &'static str,
}

/// Label of a way in which Redis forgot something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LossLabel {
    kind: &'static str,
}

impl From<Loss> for LossLabel {
    fn from(loss: Loss) -> Self {
        let kind = loss.as_str();
        Self { kind }
    }
}

/// The scheduler's metrics.
#[derive(Debug)]
pub struct Metrics {
    transitions: Family<JobLabels, Counter>,
    job_seconds: Family<StatusLabel, Histogram, fn() -> Histogram>,
    open: OpenJobMetrics,
    refused: Family<ReasonLabel, Counter>,
    grants: Family<UnitLabel, Counter>,
    lapsed: Family<UnitLabel, Counter>,
    queue_seconds: Histogram,
    running: Family<RegionLabel, Gauge<i64, AtomicI64>>,
    leftovers: Family<RegionLabel, Gauge<i64, AtomicI64>>,
    waiting: Family<RegionLabel, Gauge<i64, AtomicI64>>,
    unattended: Family<RegionLabel, Gauge<i64, AtomicI64>>,
    drained: Family<RegionLabel, Gauge<i64, AtomicI64>>,
    messages: Family<RegionLabel, Counter>,
    unreadable: Counter,
    concerns: Family<ConcernLabel, Gauge<i64, AtomicI64>>,
    replicas: Gauge<i64, AtomicI64>,
    awaited_replicas: Gauge<i64, AtomicI64>,
    store_losses: Family<LossLabel, Counter>,
    store_memory: Gauge<i64, AtomicI64>,
    store_memory_limit: Gauge<i64, AtomicI64>,
    /// Those of plans.
    pub(crate) plans: PlanMetrics,
}

impl Metrics {
    /// Metrics, entered into the registry.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("scheduler");
        // From a second to about twelve days.
        let job_seconds: fn() -> Histogram = || Histogram::new(exponential_buckets(1.0, 4.0, 11));
        let metrics = Self {
            transitions: Family::default(),
            job_seconds: Family::new_with_constructor(job_seconds),
            open: OpenJobMetrics::register(registry),
            refused: Family::default(),
            grants: Family::default(),
            lapsed: Family::default(),
            queue_seconds: job_seconds(),
            running: Family::default(),
            leftovers: Family::default(),
            waiting: Family::default(),
            unattended: Family::default(),
            drained: Family::default(),
            messages: Family::default(),
            unreadable: Counter::default(),
            concerns: Family::default(),
            replicas: Gauge::default(),
            awaited_replicas: Gauge::default(),
            store_losses: Family::default(),
            store_memory: Gauge::default(),
            store_memory_limit: Gauge::default(),
            plans: PlanMetrics::register(registry),
        };
        registry.register(
            "job_transitions",
            "Jobs that entered a status",
            metrics.transitions.clone(),
        );
        registry.register_with_unit(
            "job_duration",
            "From a copy's acceptance to its final status",
            Unit::Seconds,
            metrics.job_seconds.clone(),
        );
        registry.register(
            "jobs_refused",
            "Jobs that were not accepted, by why",
            metrics.refused.clone(),
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
            "units_waiting",
            "Units of work that no worker has yet",
            metrics.waiting.clone(),
        );
        registry.register(
            "regions_unattended",
            "1 where units could be granted, nothing runs and no worker takes any",
            metrics.unattended.clone(),
        );
        registry.register(
            "region_drained",
            "1 while nothing of the region is granted",
            metrics.drained.clone(),
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
            "store_concerns",
            "1 for what is so about Redis that it loses accepted jobs, or may come to",
            metrics.concerns.clone(),
        );
        registry.register(
            "store_replicas",
            "Replicas of Redis that are connected",
            metrics.replicas.clone(),
        );
        registry.register(
            "store_awaited_replicas",
            "Replicas of Redis that must have a job before it is accepted",
            metrics.awaited_replicas.clone(),
        );
        registry.register(
            "store_losses",
            "Times that Redis was found wiped, fallen back or replaced",
            metrics.store_losses.clone(),
        );
        registry.register_with_unit(
            "store_memory",
            "Memory that Redis uses, as of the last look at its durability",
            Unit::Bytes,
            metrics.store_memory.clone(),
        );
        registry.register_with_unit(
            "store_memory_limit",
            "Memory that Redis may use; 0: all that there is",
            Unit::Bytes,
            metrics.store_memory_limit.clone(),
        );
        // A series that appears with its first event looks to an alert as if nothing had happened.
        for why in Refusal::ALL {
            drop(metrics.refused.get_or_create(&why.into()));
        }
        for kind in Loss::ALL {
            drop(metrics.store_losses.get_or_create(&kind.into()));
        }
        metrics
    }

    /// A new job stands.
    pub(crate) fn accepted(&self, record: &JobRecord) {
        if record.copy().is_some() {
            self.entered(record);
            self.open.opened(record.source_region(), record.region());
        }
    }

    /// A job was not accepted.
    pub(crate) fn refused(&self, why: Refusal) {
        self.refused.get_or_create(&why.into()).inc();
    }

    /// A record has been replaced by another.
    pub(crate) fn changed(&self, before: &JobRecord, after: &JobRecord, now: Timestamp) {
        let is_copy = after.copy().is_some();
        if before.status != after.status && is_copy {
            self.entered(after);
            if after.status.is_final() {
                let status = after.status.as_str();
                let took = now.duration_since(after.created_at).as_secs_f64();
                self.job_seconds
                    .get_or_create(&StatusLabel { status })
                    .observe(took);
            }
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

    /// Whether a region is drained.
    pub(crate) fn drained(&self, region: &RegionId, is_drained: bool) {
        self.drained
            .get_or_create(&label(region))
            .set(i64::from(is_drained));
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
    pub(crate) fn counted(&self, region: &RegionId, census: &Census, now: Timestamp) {
        let count = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
        let label = label(region);
        self.running
            .get_or_create(&label)
            .set(count(census.running));
        self.leftovers
            .get_or_create(&label)
            .set(count(census.leftovers));
        self.waiting
            .get_or_create(&label)
            .set(count(census.waiting));
        self.open.counted(region, &census.open, now);
    }

    /// Whether nobody works for a region where there is work.
    pub(crate) fn unattended(&self, region: &RegionId, is_unattended: bool) {
        self.unattended
            .get_or_create(&label(region))
            .set(is_unattended.into());
    }

    /// What Redis would lose in a crash or failover.
    pub(crate) fn durability(&self, found: &Durability) {
        for kind in ConcernKind::ALL {
            let stands = found.concerns.iter().any(|concern| concern.kind == kind);
            let concern = kind.as_str();
            let gauge = self.concerns.get_or_create(&ConcernLabel { concern });
            gauge.set(i64::from(stands));
        }
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.store_memory.set(count(found.memory));
        self.store_memory_limit.set(count(found.memory_limit));
        self.replicas.set(count(found.replicas));
        self.awaited_replicas.set(count(found.awaited));
    }

    /// Redis forgot something.
    pub(crate) fn store_lost(&self, what: Loss) {
        self.store_losses.get_or_create(&what.into()).inc();
    }

    fn entered(&self, record: &JobRecord) {
        let labels = job(record.status, record.source_region(), record.region());
        self.transitions.get_or_create(&labels).inc();
    }
}

fn label(region: &RegionId) -> RegionLabel {
    RegionLabel {
        region: region.to_string(),
    }
}

fn job(status: JobStatus, source: &RegionId, destination: &RegionId) -> JobLabels {
    JobLabels {
        status: status.as_str(),
        source: source.to_string(),
        destination: destination.to_string(),
    }
}

fn unit(record: &JobRecord, kind: UnitKind) -> UnitLabel {
    UnitLabel {
        kind: kind.as_str(),
        region: record.region().to_string(),
    }
}
