//! Publishing, confirmed: success means that RabbitMQ has stored the message in a queue.
//!
//! One message at a time is on its way on the channel. lapin hands a returned message to whichever
//! confirmation comes next, so with several under way an unroutable message could be taken for a
//! stored one; and a round trip of a millisecond or so leaves room for far more messages than there
//! are jobs. For the same reason a channel whose confirmation was not awaited is thrown away.
//!
//! Each destination region has a channel of its own: a queue that does not confirm (a quorum queue
//! that lost its quorum) keeps only its own region waiting.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::RegionId;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation};
use service_kit::telemetry::trace_context;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument, Span, info, info_span};

use crate::connection::Link;
use crate::error::PublishError;
use crate::message::CopyJob;
use crate::topology::Topology;
use crate::trace_headers;

/// How long a message waits for its turn and its confirmation.
const CONFIRM_DEADLINE: Duration = Duration::from_secs(5);
/// AMQP's delivery mode of messages that survive a restart of the broker.
const PERSISTENT: u8 = 2;

/// Publishes wake-ups. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    link: Link,
    topology: Arc<Topology>,
    lanes: Arc<std::sync::Mutex<HashMap<RegionId, Lane>>>,
}

/// One region's channel: held by whoever is publishing, empty until it is first needed.
type Lane = Arc<Mutex<Option<Channel>>>;

impl Publisher {
    pub(crate) fn new(link: Link, topology: Arc<Topology>) -> Self {
        Self {
            link,
            topology,
            lanes: Arc::default(),
        }
    }

    /// Puts a message into the queue of the job's destination region and waits until RabbitMQ has
    /// confirmed it. A queue that does not exist yet is declared. Takes half a second at most while
    /// there is no connection, and five seconds at most in all.
    ///
    /// # Errors
    /// [`PublishError`]: the message is not known to be stored, and may be published again.
    pub async fn publish(
        &self,
        job: &CopyJob,
        traceparent: Option<&str>,
    ) -> Result<(), PublishError> {
        let queue = self.topology.work_queue(&job.destination_region)?;
        let span = publishing(job, &queue, traceparent);
        let context = trace_context::traceparent_of(&span);
        let message = Message {
            queue: ShortString::from(queue),
            payload: job.encode(),
            properties: properties(job, context.as_deref().or(traceparent)),
        };
        let published = async {
            self.link.ensure_connected().await?;
            let publish = self.publish_in_turn(&message, &job.destination_region);
            let published = timeout(CONFIRM_DEADLINE, publish).await;
            published.map_err(|_| PublishError::Unconfirmed(CONFIRM_DEADLINE))?
        };
        published
            .instrument(span.clone())
            .await
            .inspect_err(|error| {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", error.kind());
            })
    }

    async fn publish_in_turn(
        &self,
        message: &Message,
        region: &RegionId,
    ) -> Result<(), PublishError> {
        let lane = self.lane(region);
        let mut kept = lane.lock().await;
        // Taken out while in use and put back only after a confirmation: see the head of this file.
        let channel = match kept.take().filter(|channel| channel.status().connected()) {
            Some(channel) => channel,
            None => self.confirming_channel().await?,
        };
        if message.send(&channel).await? == Receipt::Returned {
            info!(region.id = %region, "the region's work queue is missing and is declared");
            self.topology.declare(&channel, region).await?;
            if message.send(&channel).await? == Receipt::Returned {
                return Err(PublishError::Unroutable);
            }
        }
        *kept = Some(channel);
        Ok(())
    }

    fn lane(&self, region: &RegionId) -> Lane {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.entry(region.clone()).or_default().clone()
    }

    async fn confirming_channel(&self) -> Result<Channel, PublishError> {
        let channel = self.link.channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(channel)
    }
}

struct Message {
    queue: ShortString,
    payload: Vec<u8>,
    properties: BasicProperties,
}

#[derive(PartialEq)]
enum Receipt {
    Stored,
    /// There was no queue to store it in.
    Returned,
}

impl Message {
    async fn send(&self, channel: &Channel) -> Result<Receipt, PublishError> {
        let mandatory = BasicPublishOptions {
            mandatory: true,
            immediate: false,
        };
        let confirmation = channel
            .basic_publish(
                ShortString::default(),
                self.queue.clone(),
                mandatory,
                &self.payload,
                self.properties.clone(),
            )
            .await?
            .await?;
        match confirmation {
            Confirmation::Ack(None) => Ok(Receipt::Stored),
            Confirmation::Ack(Some(_)) => Ok(Receipt::Returned),
            // Without confirm mode nothing is known of the message, which is as good as a refusal.
            Confirmation::Nack(_) | Confirmation::NotRequested => Err(PublishError::Refused),
        }
    }
}

/// The span of a message that is put into `queue`, in the trace of `traceparent`. (OpenTelemetry's conventions for
/// messaging, <https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/>.)
fn publishing(job: &CopyJob, queue: &str, traceparent: Option<&str>) -> Span {
    let span = info_span!(
        "publish",
        otel.name = format!("publish {queue}"),
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.system = "rabbitmq",
        messaging.operation.name = "publish",
        messaging.operation.r#type = "send",
        messaging.destination.name = queue,
        messaging.message.id = %job.job_id,
        error.r#type = Empty,
    );
    if let Some(traceparent) = traceparent {
        trace_context::stay_in_trace(&span, &Span::current(), traceparent);
    }
    span
}

fn properties(job: &CopyJob, traceparent: Option<&str>) -> BasicProperties {
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/x-protobuf".into())
        .with_type(CopyJob::TYPE.into())
        .with_message_id(job.job_id.to_string().into())
        .with_headers(trace_headers::headers(traceparent))
}

#[cfg(test)]
mod tests {
    use domain::JobId;

    use super::*;

    #[test]
    fn messages_are_persistent_and_carry_their_trace() {
        let job = CopyJob {
            job_id: JobId::generate(),
            attempt_hint: 1,
            source_region: RegionId::new("ot1"),
            destination_region: RegionId::new("ot2"),
            size_bytes: 1,
        };
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let properties = properties(&job, Some(traceparent));
        assert_eq!(properties.delivery_mode(), &Some(2));
        let headers = properties.headers().as_ref().expect("headers");
        assert_eq!(
            trace_headers::traceparent(headers).as_deref(),
            Some(traceparent)
        );
    }
}
