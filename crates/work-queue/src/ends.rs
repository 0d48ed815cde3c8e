//! The two ends of a work queue, as those who use it see it.
//!
//! [`WorkQueue`](crate::WorkQueue) and [`Consumer`](crate::Consumer) are these over RabbitMQ. Scheduler and worker ask
//! for no more than this, so that what they do can be run without a broker.

use std::future::Future;

use domain::RegionId;

use crate::consumer::Consumer;
use crate::delivery::Delivery;
use crate::error::{PublishError, QueueError};
use crate::message::CopyJob;
use crate::work_queue::WorkQueue;

/// The end where messages are put.
pub trait Announcer: Clone + Send + Sync + 'static {
    /// Whether it is worth trying just now.
    fn is_connected(&self) -> bool;

    /// Puts a message into the queue of the job's destination region; success means that it is stored.
    fn publish(
        &self,
        job: &CopyJob,
        traceparent: Option<&str>,
    ) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// How many messages of a region wait for a worker.
    fn ready_count(
        &self,
        region: &RegionId,
    ) -> impl Future<Output = Result<u64, QueueError>> + Send;
}

/// The end where one worker hears of work, one message at a time.
pub trait Listener: Send + 'static {
    /// Waits for a message, for as long as it takes. May be dropped at any time without losing one.
    fn next(&mut self) -> impl Future<Output = Delivery> + Send;

    /// Stops listening: a message that is on its way goes to another. [`Self::next`] starts again.
    fn stop(&mut self) -> impl Future<Output = ()> + Send;
}

impl Announcer for WorkQueue {
    fn is_connected(&self) -> bool {
        self.takes_messages()
    }

    async fn publish(&self, job: &CopyJob, traceparent: Option<&str>) -> Result<(), PublishError> {
        self.publisher().publish(job, traceparent).await
    }

    async fn ready_count(&self, region: &RegionId) -> Result<u64, QueueError> {
        Self::ready_count(self, region).await
    }
}

impl Listener for Consumer {
    async fn next(&mut self) -> Delivery {
        Self::next(self).await
    }

    async fn stop(&mut self) {
        Self::stop(self).await;
    }
}
