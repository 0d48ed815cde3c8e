//! What it takes to follow the files of certificates for as long as a service lives, and to tell of them.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{Certificate, TlsMetrics};
use crate::Clock;
use crate::admin::Readiness;

/// Of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CertificateWatch {
    /// Whether what files come to hold has expired.
    pub clock: Arc<dyn Clock>,
    /// Where expiries, files that can't be used, and handshakes that failed are shown.
    pub metrics: TlsMetrics,
    /// Where they are said, in a note that has the section's name.
    pub readiness: Readiness,
    /// Ends it.
    pub stop: CancellationToken,
    /// Whose tasks these are.
    pub tasks: TaskTracker,
}

impl CertificateWatch {
    /// Follows the files of a certificate.
    pub(super) fn begin<C: Send + Sync + 'static>(&self, certificate: &Certificate<C>) {
        let follow = certificate.clone().follow(
            self.clock.clone(),
            self.metrics.clone(),
            self.readiness.note(certificate.section()),
            self.stop.clone(),
        );
        self.tasks.spawn(follow.in_current_span());
    }
}
