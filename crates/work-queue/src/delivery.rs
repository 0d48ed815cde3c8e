//! One message in a worker's hand.

use std::fmt;

use futures::FutureExt;
use futures::future::BoxFuture;
use lapin::Acker;
use lapin::message::Delivery as RawDelivery;
use lapin::options::{BasicAckOptions, BasicNackOptions};

use crate::message::{CopyJob, InvalidMessage};
use crate::trace_headers;
use service_kit::telemetry::trace_context;
use tracing::{Span, info_span};

/// A parsed message that its queue keeps until it is acknowledged or given back. No further one comes
/// before that.
pub struct Delivery {
    job: CopyJob,
    /// It came from.
    queue: String,
    traceparent: Option<String>,
    ack: BoxFuture<'static, Result<(), DeliveryLost>>,
}

/// The channel that the message came over is gone: RabbitMQ has requeued it and will deliver it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the delivery was lost with its channel")]
pub struct DeliveryLost;

impl Delivery {
    /// A message of any queue; `ack` takes it out of there, and is not polled unless it is to.
    pub fn new(
        job: CopyJob,
        queue: String,
        traceparent: Option<String>,
        ack: impl Future<Output = Result<(), DeliveryLost>> + Send + 'static,
    ) -> Self {
        Self {
            job,
            queue,
            traceparent,
            ack: ack.boxed(),
        }
    }

    pub(crate) fn parse(raw: &RawDelivery) -> Result<Self, InvalidMessage> {
        let headers = raw.properties.headers().as_ref();
        let traceparent = headers.and_then(trace_headers::traceparent);
        let acker = raw.acker.clone();
        let ack = async move { settled(acker.ack(BasicAckOptions::default()).await) };
        // The default exchange routes by the queue's name.
        let queue = raw.routing_key.to_string();
        let job = CopyJob::decode(&raw.data)?;
        Ok(Self::new(job, queue, traceparent, ack))
    }

    /// What the message says.
    #[must_use]
    pub fn job(&self) -> &CopyJob {
        &self.job
    }

    /// A span of what is done because of the message, in the trace that it belongs to. (OpenTelemetry's conventions
    /// for messaging, <https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/>.)
    #[must_use]
    pub fn processing(&self) -> Span {
        let span = info_span!(
            parent: None,
            "claim",
            otel.name = format!("process {}", self.queue),
            otel.kind = "consumer",
            messaging.system = "rabbitmq",
            messaging.operation.name = "process",
            messaging.operation.r#type = "process",
            messaging.destination.name = self.queue,
            messaging.message.id = %self.job.job_id,
        );
        if let Some(traceparent) = &self.traceparent {
            trace_context::set_parent(&span, traceparent);
        }
        span
    }

    /// The message has done its work: it leaves the queue.
    ///
    /// # Errors
    /// [`DeliveryLost`]: it will be delivered again, which does no harm.
    pub async fn ack(self) -> Result<(), DeliveryLost> {
        self.ack.await
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("job", &self.job)
            .finish_non_exhaustive()
    }
}

pub(crate) async fn requeue(acker: &Acker) -> lapin::Result<bool> {
    let back = BasicNackOptions {
        multiple: false,
        requeue: true,
    };
    acker.nack(back).await
}

/// Sends a message that nobody can read to the dead-letter queue.
pub(crate) async fn dead_letter(acker: &Acker) -> lapin::Result<bool> {
    let away = BasicNackOptions {
        multiple: false,
        requeue: false,
    };
    acker.nack(away).await
}

/// lapin says `Ok(false)` when the channel died with the delivery: nothing was sent then.
fn settled(answer: lapin::Result<bool>) -> Result<(), DeliveryLost> {
    match answer {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(DeliveryLost),
    }
}
