//! Wakes a worker for an accepted job, through RabbitMQ.
//!
//! A wake-up that fails is logged and counted, never an error of the request: the job is durable, and
//! the scheduler publishes for whatever nobody takes.

use domain::{CopySpec, JobId};
use tokio::time::{Duration, Instant, timeout_at};
use work_queue::{CopyJob, Publisher};

use crate::metrics::Metrics;

/// The caller waits for the 202 meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

/// Publishes wake-ups.
#[derive(Clone)]
pub(crate) struct WakeUps {
    publisher: Publisher,
    metrics: Metrics,
}

impl WakeUps {
    /// Publishes with `publisher`.
    #[must_use]
    pub(crate) fn new(publisher: Publisher, metrics: Metrics) -> Self {
        Self { publisher, metrics }
    }

    /// Tells the workers of the destination region that a new job waits; takes until `deadline` at most.
    pub(crate) async fn announce(&self, id: JobId, spec: &CopySpec, deadline: Instant) {
        let job = CopyJob {
            job_id: id,
            attempt_hint: 1,
            source_region: spec.source.region.clone(),
            destination_region: spec.destination.region.clone(),
            size_bytes: spec.source_digest.size_bytes,
        };
        let publishing = self.publisher.publish(&job, spec.traceparent.as_deref());
        let problem = match timeout_at(deadline.min(Instant::now() + PATIENCE), publishing).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no confirmation in time".to_owned(),
        };
        self.metrics.wake_up_unpublished();
        tracing::warn!(
            job.id = %id,
            region.id = %spec.destination.region,
            error = problem,
            "no worker was woken for an accepted job; the scheduler will publish it"
        );
    }
}
