//! What a worker counts. Labels are bounded: kinds and outcomes are this program's own words.

use domain::{Outcome, UnitKind};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// A handle to the worker's metrics; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    bytes_copied: Counter,
    running: Family<KindLabels, Gauge>,
    ended: Family<EndLabels, Counter>,
    leases_lost: Counter,
    store_losses: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

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

/// Counts a unit as running for as long as it lives.
#[derive(Debug)]
pub(crate) struct Running(Gauge);

/// Adds the bytes of one unit to the total, from samples of a count that may start anew.
#[derive(Debug)]
pub(crate) struct BytesMeter {
    total: Counter,
    last: u64,
}

// === impl Metrics ===

impl Metrics {
    /// Metrics that `registry` shows.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("image_replicator_worker");
        registry.register_with_unit(
            "copied",
            "Bytes handed to destination Glances",
            Unit::Bytes,
            metrics.bytes_copied.clone(),
        );
        registry.register("units_running", "Units in work", metrics.running.clone());
        registry.register(
            "units_ended",
            "Units by how they ended",
            metrics.ended.clone(),
        );
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
        let gauge = self.running.get_or_create(&labels).clone();
        gauge.inc();
        Running(gauge)
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

    pub(crate) fn bytes_meter(&self) -> BytesMeter {
        BytesMeter {
            total: self.bytes_copied.clone(),
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
        self.0.dec();
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
        let mut meter = metrics.bytes_meter();
        for sample in [10, 25, 25, 5, 30] {
            meter.observe(sample);
        }
        assert_eq!(metrics.bytes_copied.get(), 25 + 30);
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
