//! What a worker counts. Labels are bounded: kinds, outcomes and codes are this program's own words, regions those of the
//! configuration. `docs/metrics.md` lists all of them.

use copy_engine::ReadAheadMemory;
use domain::{ErrorCode, Outcome, RegionId, UnitKind};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

/// A handle to the worker's metrics; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    bytes_copied: Family<PairLabels, Counter>,
    slots: Gauge,
    running: Family<KindLabels, Gauge>,
    ended: Family<EndLabels, Counter>,
    unit_seconds: Family<KindLabels, Histogram, fn() -> Histogram>,
    failures: Family<FailureLabels, Counter>,
    leases_lost: Counter,
    store_losses: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PairLabels {
    source: String,
    destination: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    kind: &'static str,
    code: &'static str,
}

/// The memory in which copies read ahead, as it is when somebody looks.
#[derive(Debug)]
struct ReadAhead(ReadAheadMemory);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    kind: &'static str,
    outcome: &'static str,
}

/// What became of a unit, in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Replicated,
    Reused,
    Resolved,
    Removed,
    OrphansFound,
    Failed,
    FailedTransiently,
    Cleaned,
    HandedBack,
    /// Its end came too late and was undone.
    Discarded,
    /// Another attempt took over.
    Superseded,
    /// The scheduler could not be told.
    Unreported,
}

/// Counts a unit as running for as long as it lives, and how long that was.
#[derive(Debug)]
pub(crate) struct Running {
    running: Gauge,
    seconds: Histogram,
    since: Instant,
}

/// Adds the bytes of one unit to the total, from samples of a count that may start anew.
#[derive(Debug)]
pub(crate) struct BytesMeter {
    total: Counter,
    last: u64,
}

// === impl Metrics ===

impl Default for Metrics {
    fn default() -> Self {
        // From a tenth of a second to about seven hours.
        let unit_seconds: fn() -> Histogram = || Histogram::new(exponential_buckets(0.1, 4.0, 10));
        Self {
            bytes_copied: Family::default(),
            slots: Gauge::default(),
            running: Family::default(),
            ended: Family::default(),
            unit_seconds: Family::new_with_constructor(unit_seconds),
            failures: Family::default(),
            leases_lost: Counter::default(),
            store_losses: Counter::default(),
        }
    }
}

impl Metrics {
    /// Metrics that `registry` shows, of a worker with so many slots that reads ahead in `memory`.
    pub(crate) fn register(registry: &mut Registry, slots: usize, memory: ReadAheadMemory) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("image_replicator_worker");
        registry.register_with_unit(
            "copied",
            "Bytes handed to destination Glances",
            Unit::Bytes,
            metrics.bytes_copied.clone(),
        );
        metrics.slots.set(i64::try_from(slots).unwrap_or(i64::MAX));
        registry.register(
            "slots",
            "Units that may be in work at once",
            metrics.slots.clone(),
        );
        registry.register("units_running", "Units in work", metrics.running.clone());
        registry.register(
            "units_ended",
            "Units by how they ended",
            metrics.ended.clone(),
        );
        registry.register_with_unit(
            "unit_duration",
            "From a unit's grant to its end",
            Unit::Seconds,
            metrics.unit_seconds.clone(),
        );
        registry.register(
            "unit_failures",
            "Units that failed, by the code of the error",
            metrics.failures.clone(),
        );
        // A series that appears with its first event looks to an alert as if nothing had happened.
        drop(metrics.failed(UnitKind::Copy, ErrorCode::VerificationFailed));
        registry.register_collector(Box::new(ReadAhead(memory)));
        registry.register(
            "leases_lost",
            "Units that another attempt took over",
            metrics.leases_lost.clone(),
        );
        registry.register(
            "store_losses",
            "Times that the schedulers' store turned out to be another one",
            metrics.store_losses.clone(),
        );
        metrics
    }

    /// Counts what is heard of the schedulers' store.
    pub(crate) fn store_losses(&self) -> Counter {
        self.store_losses.clone()
    }

    /// Units in work now.
    #[must_use]
    pub fn units_running(&self) -> i64 {
        let kinds = [
            UnitKind::Copy,
            UnitKind::CleanUp,
            UnitKind::Resolve,
            UnitKind::Remove,
            UnitKind::FindOrphans,
            UnitKind::RemoveOrphan,
        ];
        let running = kinds.map(|kind| {
            let labels = KindLabels {
                kind: kind.as_str(),
            };
            self.running.get(&labels).map_or(0, |running| running.get())
        });
        running.iter().sum()
    }

    pub(crate) fn unit_starts(&self, kind: UnitKind) -> Running {
        let labels = KindLabels {
            kind: kind.as_str(),
        };
        let running = self.running.get_or_create(&labels).clone();
        running.inc();
        Running {
            running,
            seconds: self.unit_seconds.get_or_create(&labels).clone(),
            since: Instant::now(),
        }
    }

    /// A unit's work failed.
    pub(crate) fn unit_failed(&self, kind: UnitKind, code: ErrorCode) {
        self.failed(kind, code).inc();
    }

    fn failed(&self, kind: UnitKind, code: ErrorCode) -> Counter {
        let labels = FailureLabels {
            kind: kind.as_str(),
            code: code.as_str(),
        };
        self.failures.get_or_create(&labels).clone()
    }

    pub(crate) fn unit_ended(&self, kind: UnitKind, end: End) {
        let labels = EndLabels {
            kind: kind.as_str(),
            outcome: end.as_str(),
        };
        self.ended.get_or_create(&labels).inc();
        if end == End::Superseded {
            self.leases_lost.inc();
        }
    }

    /// Of a unit between two regions.
    pub(crate) fn bytes_meter(&self, source: &RegionId, destination: &RegionId) -> BytesMeter {
        let labels = PairLabels {
            source: source.to_string(),
            destination: destination.to_string(),
        };
        BytesMeter {
            total: self.bytes_copied.get_or_create(&labels).clone(),
            last: 0,
        }
    }
}

// === impl End ===

impl End {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Replicated => "replicated",
            Self::Reused => "reused",
            Self::Resolved => "resolved",
            Self::Removed => "removed",
            Self::OrphansFound => "orphans_found",
            Self::Failed => "failed",
            Self::FailedTransiently => "failed_transiently",
            Self::Cleaned => "cleaned",
            Self::HandedBack => "handed_back",
            Self::Discarded => "discarded",
            Self::Superseded => "superseded",
            Self::Unreported => "unreported",
        }
    }
}

impl From<&Outcome> for End {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Replicated { .. } => Self::Replicated,
            Outcome::Reused { .. } => Self::Reused,
            Outcome::Resolved { .. } => Self::Resolved,
            Outcome::Removed(_) => Self::Removed,
            Outcome::OrphansFound(_) => Self::OrphansFound,
            Outcome::Failed {
                transient: false, ..
            } => Self::Failed,
            Outcome::Failed {
                transient: true, ..
            } => Self::FailedTransiently,
            Outcome::Cleaned => Self::Cleaned,
            Outcome::HandedBack => Self::HandedBack,
        }
    }
}

// === impl Running ===

impl Drop for Running {
    fn drop(&mut self) {
        self.running.dec();
        self.seconds.observe(self.since.elapsed().as_secs_f64());
    }
}

// === impl ReadAhead ===

impl Collector for ReadAhead {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, help, bytes) in [
            (
                "read_ahead",
                "Memory that copies hold for what they have read ahead",
                self.0.held(),
            ),
            (
                "read_ahead_limit",
                "Memory that copies may hold for what they have read ahead",
                self.0.total(),
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
            let metric =
                encoder.encode_descriptor(name, help, Some(&Unit::Bytes), gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}

// === impl BytesMeter ===

impl BytesMeter {
    /// Takes note of the count as it is now.
    pub(crate) fn observe(&mut self, bytes: u64) {
        // Less than before: a repeated upload counts anew.
        let new = bytes.checked_sub(self.last).unwrap_or(bytes);
        self.total.inc_by(new);
        self.last = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_once_also_when_an_upload_starts_anew() {
        let metrics = Metrics::default();
        let (source, destination) = (RegionId::new("ot1"), RegionId::new("ot2"));
        let mut meter = metrics.bytes_meter(&source, &destination);
        for sample in [10, 25, 25, 5, 30] {
            meter.observe(sample);
        }
        assert_eq!(meter.total.get(), 25 + 30);
    }

    #[test]
    fn a_unit_is_running_until_it_is_dropped() {
        let metrics = Metrics::default();
        let labels = KindLabels { kind: "copy" };
        let running = metrics.unit_starts(UnitKind::Copy);
        assert_eq!(metrics.running.get_or_create(&labels).get(), 1);
        drop(running);
        assert_eq!(metrics.running.get_or_create(&labels).get(), 0);
    }
}
