//! Rate, errors and duration of the calls that a service answers.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Duration;
use tonic::Code;

use super::{code_name, method_of};

/// From an answer out of memory to a claim that waits for replicas, in seconds.
const LATENCY_BUCKETS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];
/// In place of names that a caller made up.
const UNKNOWN: &str = "unknown";

/// Counts of answered calls; cheap to clone.
#[derive(Debug, Clone)]
pub struct RpcMetrics {
    answered: Family<CallLabels, Counter>,
    duration: Family<MethodLabels, Histogram, fn() -> Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    service: String,
    method: String,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    service: String,
    method: String,
}

impl RpcMetrics {
    /// Metrics that `registry` shows.
    pub fn register(registry: &mut Registry) -> Self {
        let duration: fn() -> Histogram = || Histogram::new(LATENCY_BUCKETS);
        let metrics = Self {
            answered: Family::default(),
            duration: Family::new_with_constructor(duration),
        };
        registry.register("rpcs", "gRPC calls answered", metrics.answered.clone());
        registry.register_with_unit(
            "rpc_duration",
            "Time from a gRPC call's head to its answer's head",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        metrics
    }

    /// A call was answered. Only of what is implemented the path is one of a few.
    pub(super) fn answered(&self, path: &str, code: Code, took: Duration) {
        let (service, method) = match code {
            Code::Unimplemented => (UNKNOWN, UNKNOWN),
            _ => method_of(path),
        };
        let (service, method) = (service.to_owned(), method.to_owned());
        let labels = MethodLabels {
            service: service.clone(),
            method: method.clone(),
        };
        self.duration
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        let labels = CallLabels {
            service,
            method,
            code: code_name(code),
        };
        self.answered.get_or_create(&labels).inc();
    }
}
