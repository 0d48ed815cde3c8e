//! One message in a worker's hand.

use lapin::Acker;
use lapin::message::Delivery as RawDelivery;
use lapin::options::{BasicAckOptions, BasicNackOptions};

use crate::message::{CopyJob, InvalidMessage};
use crate::trace_headers;

/// A parsed message that RabbitMQ keeps until it is acknowledged or given back. No further one comes
/// before that.
#[derive(Debug)]
pub struct Delivery {
    job: CopyJob,
    traceparent: Option<String>,
    acker: Acker,
}

/// The channel that the message came over is gone: RabbitMQ has requeued it and will deliver it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the delivery was lost with its channel")]
pub struct DeliveryLost;

impl Delivery {
    pub(crate) fn parse(raw: &RawDelivery) -> Result<Self, InvalidMessage> {
        Ok(Self {
            job: CopyJob::decode(&raw.data)?,
            traceparent: raw
                .properties
                .headers()
                .as_ref()
                .and_then(trace_headers::traceparent),
            acker: raw.acker.clone(),
        })
    }

    /// What the message says.
    #[must_use]
    pub fn job(&self) -> &CopyJob {
        &self.job
    }

    /// The trace that the message belongs to (W3C `traceparent`).
    #[must_use]
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// The message has done its work: it leaves the queue.
    ///
    /// # Errors
    /// [`DeliveryLost`]: it will be delivered again, which does no harm.
    pub async fn ack(self) -> Result<(), DeliveryLost> {
        settled(self.acker.ack(BasicAckOptions::default()).await)
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
