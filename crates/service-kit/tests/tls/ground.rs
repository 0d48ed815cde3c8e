//! What these tests stand on: configurations of certificates, and a service's watch over them with what it shows.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use prometheus_client::registry::Registry;
use service_kit::SystemClock;
use service_kit::admin::Readiness;
use service_kit::config::{GrpcConfig, MutualTlsConfig};
use service_kit::tls::{CertificateWatch, TlsMetrics};
use testbed::ServerCertificate;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// A service's watch; ends with this value.
pub(crate) struct Watch {
    pub(crate) watch: CertificateWatch,
    registry: Mutex<Registry>,
    _stop: DropGuard,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("image_replicator");
        let stop = CancellationToken::new();
        Self {
            watch: CertificateWatch {
                clock: Arc::new(SystemClock),
                metrics: TlsMetrics::register(&mut registry),
                readiness: Readiness::default(),
                stop: stop.clone(),
                tasks: TaskTracker::new(),
            },
            registry: Mutex::new(registry),
            _stop: stop.drop_guard(),
        }
    }

    /// The value of a series of `[grpc.tls]`, whose other labels are as given.
    pub(crate) fn metric(&self, name: &str, labels: &str) -> Option<f64> {
        let mut page = String::new();
        let registry = self.registry.lock().expect("not poisoned");
        prometheus_client::encoding::text::encode(&mut page, &registry).expect("text");
        let series = format!("image_replicator_{name}{{section=\"grpc.tls\"{labels}}} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&series));
        value.map(|value| value.parse().expect("a number"))
    }

    /// How many handshakes failed for this reason.
    pub(crate) fn failed(&self, reason: &str) -> Option<f64> {
        let labels = format!(",reason=\"{reason}\"");
        self.metric("tls_handshakes_failed_total", &labels)
    }

    /// What readiness says of the certificate.
    pub(crate) fn note(&self) -> String {
        let report = self.watch.readiness.report();
        report.get("grpc.tls").cloned().unwrap_or_default()
    }
}

/// The section that names this certificate, and this authority.
pub(crate) fn section(certificate: &ServerCertificate, authority: &Path) -> GrpcConfig {
    GrpcConfig {
        tls: Some(MutualTlsConfig {
            certificate_file: certificate.certificate.clone(),
            key_file: certificate.key.clone(),
            ca_file: authority.to_owned(),
        }),
    }
}

/// A place for a test's files.
pub(crate) fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}
