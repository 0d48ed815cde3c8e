//! What the gateway counts. Labels are bounded: routes are those of the router, codes those of
//! `fault.rs`; nothing of a caller's choosing becomes a label.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Duration;

/// From a cached token's show to a create that waits out its deadline, in seconds.
const LATENCY_BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0,
];

/// A handle to the gateway's metrics; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    requests: Family<RequestLabels, Counter>,
    latency: Family<RouteLabels, Histogram, fn() -> Histogram>,
    token_lookups: Counter,
    token_cache_misses: Counter,
    open_streams: Gauge,
    unpublished: Counter,
    abandoned: Counter,
    rate_limited: Counter,
    store_losses: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

/// Counts an open event stream for as long as it lives.
#[derive(Debug)]
pub(crate) struct OpenStream(Gauge);

impl Metrics {
    /// Metrics that are shown by `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let latency: fn() -> Histogram = || Histogram::new(LATENCY_BUCKETS);
        let metrics = Self {
            requests: Family::default(),
            latency: Family::new_with_constructor(latency),
            token_lookups: Counter::<u64, AtomicU64>::default(),
            token_cache_misses: Counter::default(),
            open_streams: Gauge::default(),
            unpublished: Counter::default(),
            abandoned: Counter::default(),
            rate_limited: Counter::default(),
            store_losses: Counter::default(),
        };
        let gateway = registry.sub_registry_with_prefix("gateway");
        gateway.register("requests", "Requests answered", metrics.requests.clone());
        gateway.register_with_unit(
            "request_duration",
            "Time from a request's head to its answer's head",
            Unit::Seconds,
            metrics.latency.clone(),
        );
        let counters = [
            ("token_lookups", "Tokens presented", &metrics.token_lookups),
            (
                "token_cache_misses",
                "Presented tokens that Keystone was asked about",
                &metrics.token_cache_misses,
            ),
            (
                "unpublished_wake_ups",
                "Accepted jobs whose message RabbitMQ did not confirm",
                &metrics.unpublished,
            ),
            (
                "abandoned_creates",
                "Jobs of unknown fate that are canceled in the background",
                &metrics.abandoned,
            ),
            (
                "rate_limited_requests",
                "Requests refused for the rate of their tenant",
                &metrics.rate_limited,
            ),
            (
                "store_losses",
                "Times that the schedulers' store turned out to be another one",
                &metrics.store_losses,
            ),
        ];
        for (name, help, counter) in counters {
            gateway.register(name, help, counter.clone());
        }
        gateway.register(
            "open_streams",
            "Event streams open now",
            metrics.open_streams.clone(),
        );
        metrics
    }

    /// A request was answered.
    pub(crate) fn answered(&self, method: &'static str, route: &str, code: u16, took: Duration) {
        let route = route.to_owned();
        self.latency
            .get_or_create(&RouteLabels {
                method,
                route: route.clone(),
            })
            .observe(took.as_secs_f64());
        self.requests
            .get_or_create(&RequestLabels {
                method,
                route,
                code,
            })
            .inc();
    }

    /// A token was presented.
    pub(crate) fn token_presented(&self) {
        self.token_lookups.inc();
    }

    /// Keystone was asked about a token.
    pub(crate) fn token_cache_missed(&self) {
        self.token_cache_misses.inc();
    }

    /// A job was accepted, but its wake-up is not known to be in the queue.
    pub(crate) fn wake_up_unpublished(&self) {
        self.unpublished.inc();
    }

    /// A create ended without an answer, and its job is canceled in the background.
    pub(crate) fn create_abandoned(&self) {
        self.abandoned.inc();
    }

    /// A tenant was too fast.
    pub(crate) fn rate_limited(&self) {
        self.rate_limited.inc();
    }

    /// Counts what is heard of the schedulers' store.
    pub(crate) fn store_losses(&self) -> Counter {
        self.store_losses.clone()
    }

    /// An event stream was opened.
    #[must_use]
    pub(crate) fn stream_opened(&self) -> OpenStream {
        self.open_streams.inc();
        OpenStream(self.open_streams.clone())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}
