//! How many messages wait in a queue, so that the scheduler never publishes more than work waits.
//!
//! Asked by passive declaration, which creates nothing. A queue that is missing answers 404 and closes
//! the channel, hence the channel of its own.

use std::sync::Arc;
use std::time::Duration;

use domain::RegionId;
use lapin::options::QueueDeclareOptions;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, ErrorKind};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::connection::Link;
use crate::error::QueueError;
use crate::topology::Topology;

const DEADLINE: Duration = Duration::from_secs(5);

/// Asks how deep queues are, over one channel that is kept while it is good.
pub(crate) struct Depth {
    link: Link,
    topology: Arc<Topology>,
    channel: Mutex<Option<Channel>>,
}

impl Depth {
    pub(crate) fn new(link: Link, topology: Arc<Topology>) -> Self {
        Self {
            link,
            topology,
            channel: Mutex::new(None),
        }
    }

    pub(crate) async fn ready_count(&self, region: &RegionId) -> Result<u64, QueueError> {
        let queue = ShortString::from(self.topology.work_queue(region)?);
        self.link.ensure_connected().await?;
        timeout(DEADLINE, self.ask(queue))
            .await
            .map_err(|_| QueueError::NoAnswer(DEADLINE))?
    }

    async fn ask(&self, queue: ShortString) -> Result<u64, QueueError> {
        let mut kept = self.channel.lock().await;
        // Taken out while in use: when this call is given up half-way, the next one opens a new channel.
        let channel = match kept.take().filter(|channel| channel.status().connected()) {
            Some(channel) => channel,
            None => self.link.channel().await?,
        };
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        match channel
            .queue_declare(queue, passive, FieldTable::default())
            .await
        {
            Ok(queue) => {
                *kept = Some(channel);
                Ok(queue.message_count().into())
            }
            Err(error) if is_not_found(&error) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_not_found(error: &lapin::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ProtocolError(error)
            if matches!(error.kind(), AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND))
    )
}
