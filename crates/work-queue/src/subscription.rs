//! One run of consuming: from `basic.consume` to `basic.cancel`, on a channel of its own.
//!
//! Prefetch is 1, so at most one message is in this process's hand, and when the run ends for whatever
//! reason its channel ends with it: RabbitMQ then requeues what was not acknowledged.

use std::sync::Arc;
use std::time::Duration;

use domain::RegionId;
use futures::StreamExt;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer as Deliveries};
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::connection::Link;
use crate::delivery::{Delivery, dead_letter, requeue};
use crate::error::QueueError;
use crate::topology::Topology;

/// How long the broker may take over opening or closing a subscription.
const DEADLINE: Duration = Duration::from_secs(10);
const PREFETCH: u16 = 1;

pub(crate) struct Subscription {
    channel: Channel,
    deliveries: Deliveries,
}

impl Subscription {
    /// Waits for a connection as long as it takes, then declares the queue and consumes from it. May be dropped at any
    /// time, and then nothing is consumed.
    pub(crate) async fn open(
        link: &Link,
        topology: Arc<Topology>,
        region: RegionId,
    ) -> Result<Self, QueueError> {
        let channel = link.channel().await?;
        // Comes to its end whoever waits for it: what nobody takes is dropped, and that closes the channel. A call that is
        // dropped between basic.consume and its answer leaves lapin with a consumer that nobody cancels, and a message in
        // its hand.
        let consuming = tokio::spawn(async move {
            timeout(DEADLINE, Self::consume(channel, &topology, &region))
                .await
                .map_err(|_| QueueError::NoAnswer(DEADLINE))?
        });
        consuming
            .await
            .unwrap_or(Err(QueueError::SubscriptionEnded))
    }

    async fn consume(
        channel: Channel,
        topology: &Topology,
        region: &RegionId,
    ) -> Result<Self, QueueError> {
        let queue = topology.declare(&channel, region).await?;
        // Before consuming: afterwards it would not count for deliveries that are already on their way.
        channel
            .basic_qos(PREFETCH, BasicQosOptions::default())
            .await?;
        let deliveries = channel
            .basic_consume(
                queue.name().clone(),
                // Empty: the server makes up a tag that is unique on the channel.
                ShortString::default(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        Ok(Self {
            channel,
            deliveries,
        })
    }

    /// The next message that can be read; others go to the dead-letter queue. Safe to drop at any time:
    /// lapin queues the refusal in the same poll that took the message off the stream.
    pub(crate) async fn next(&mut self) -> Result<Delivery, QueueError> {
        loop {
            let raw = self
                .deliveries
                .next()
                .await
                .ok_or(QueueError::SubscriptionEnded)??;
            match Delivery::parse(&raw) {
                Ok(delivery) => return Ok(delivery),
                Err(error) => {
                    warn!(
                        error.message = %error,
                        message.bytes = raw.data.len(),
                        "a message cannot be read and goes to the dead-letter queue"
                    );
                    dead_letter(&raw.acker).await?;
                }
            }
        }
    }

    /// Stops consuming; a message that was on its way goes back to the queue at once.
    pub(crate) async fn close(mut self) {
        let closed = timeout(DEADLINE, async {
            self.channel
                .basic_cancel(self.deliveries.tag(), BasicCancelOptions::default())
                .await?;
            // The stream ends behind whatever was delivered before the cancel was answered.
            while let Some(raw) = self.deliveries.next().await {
                requeue(&raw?.acker).await?;
            }
            self.channel.close(200, "consumer stopped".into()).await
        })
        .await;
        match closed {
            Ok(Ok(())) => {}
            // Dropping the channel closes it all the same, and that requeues.
            Ok(Err(error)) => debug!(error.message = %error, "the consumer's channel was broken"),
            Err(_) => debug!("the consumer's channel did not close in time"),
        }
    }
}
