//! How long certificates are good for, whether their files can be used, and whose handshakes failed.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// A handle to the metrics of TLS; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct TlsMetrics {
    expiry: Family<SectionLabels, Gauge<f64, AtomicU64>>,
    refused_files: Family<SectionLabels, Gauge>,
    failed_handshakes: Family<FailureLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SectionLabels {
    section: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    section: &'static str,
    reason: &'static str,
}

impl TlsMetrics {
    /// Metrics that `registry`, whose prefix is the product's, shows.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register_with_unit(
            "certificate_expiry_time",
            "When the certificate in use expires, since the epoch",
            Unit::Seconds,
            metrics.expiry.clone(),
        );
        registry.register(
            "certificate_files_refused",
            "1 while a certificate's files hold what cannot be used",
            metrics.refused_files.clone(),
        );
        registry.register(
            "tls_handshakes_failed",
            "TLS handshakes that failed, by why",
            metrics.failed_handshakes.clone(),
        );
        metrics
    }

    /// The certificate of a section is in use as its files have it.
    #[allow(
        clippy::cast_precision_loss,
        reason = "seconds since the epoch fit for millions of years"
    )]
    pub(super) fn in_use(&self, section: &'static str, expires: Timestamp) {
        let labels = SectionLabels { section };
        let expiry = self.expiry.get_or_create(&labels);
        expiry.set(expires.as_second() as f64);
        self.refused_files.get_or_create(&labels).set(0);
    }

    /// The files of a section can't be used.
    pub(super) fn refused(&self, section: &'static str) {
        let labels = SectionLabels { section };
        self.refused_files.get_or_create(&labels).set(1);
    }

    /// How many handshakes failed for this reason.
    pub(super) fn failed(&self, section: &'static str, reason: &'static str) -> Counter {
        let labels = FailureLabels { section, reason };
        self.failed_handshakes.get_or_create_owned(&labels)
    }
}
