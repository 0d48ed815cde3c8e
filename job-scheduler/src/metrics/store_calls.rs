//! Calls to Redis: how long they take and how many fail, as this scheduler sees them.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Label of a call: whether it waits for replicas, or for the disk, before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabel {
    durable: &'static str,
}

/// The metrics of calls to Redis; clones are the same.
#[derive(Debug, Clone)]
pub struct StoreCalls {
    duration: Family<CallLabel, Histogram, fn() -> Histogram>,
    failed: Family<CallLabel, Counter>,
    label: CallLabel,
}

impl Default for StoreCalls {
    fn default() -> Self {
        // From a fifth of a millisecond to about three seconds.
        let duration: fn() -> Histogram = || Histogram::new(exponential_buckets(0.0002, 2.6, 11));
        Self {
            duration: Family::new_with_constructor(duration),
            failed: Family::default(),
            label: CallLabel { durable: "false" },
        }
    }
}

impl StoreCalls {
    /// The same metrics, for calls that wait for replicas.
    #[must_use]
    pub fn durable(&self) -> Self {
        Self {
            label: CallLabel { durable: "true" },
            ..self.clone()
        }
    }

    /// Has `registry` show them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "store_call_duration",
            "Time of a call to Redis, waiting for replicas included",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register(
            "store_calls_failed",
            "Calls to Redis without an answer, or with a refusal",
            self.failed.clone(),
        );
        for calls in [self, &self.durable()] {
            // A series that appears with its first event looks to an alert as if nothing had happened.
            drop(calls.failed.get_or_create(&calls.label));
        }
    }

    /// A call is over.
    pub(crate) fn ended(&self, took: Duration, is_answered: bool) {
        self.duration
            .get_or_create(&self.label)
            .observe(took.as_secs_f64());
        if !is_answered {
            self.failed.get_or_create(&self.label).inc();
        }
    }
}
