//! Consuming on demand: a worker takes a permit first and consumes then, and stops when it is full.
//!
//! The consumer heals itself: whatever breaks a subscription, the next one is opened after a jittered
//! delay, without end. Its user sees deliveries or nothing.

use std::pin::Pin;
use std::sync::Arc;

use domain::RegionId;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::{Sleep, sleep};
use tracing::warn;

use crate::connection::{Link, retry_delays};
use crate::delivery::Delivery;
use crate::error::QueueError;
use crate::subscription::Subscription;
use crate::topology::Topology;

/// Consumes one region's queue, one message at a time, whenever it is asked to.
pub struct Consumer {
    link: Link,
    topology: Arc<Topology>,
    region: RegionId,
    state: State,
    failures: u32,
}

enum State {
    Stopped,
    Opening(BoxFuture<'static, Result<Subscription, QueueError>>),
    Open(Box<Subscription>),
    /// Something broke; this much is waited before the next subscription.
    Waiting(Pin<Box<Sleep>>),
}

impl Consumer {
    pub(crate) fn new(link: Link, topology: Arc<Topology>, region: RegionId) -> Self {
        Self {
            link,
            topology,
            region,
            state: State::Stopped,
            failures: 0,
        }
    }

    /// Starts consuming, unless that is already so, and waits for a message, however long RabbitMQ is
    /// away. May be dropped at any time without losing one: what has been reached is kept in `self`.
    pub async fn next(&mut self) -> Delivery {
        loop {
            match &mut self.state {
                State::Stopped => self.state = State::Opening(self.open()),
                State::Opening(opening) => match opening.await {
                    Ok(subscription) => self.state = State::Open(Box::new(subscription)),
                    Err(error) => self.broken(&error),
                },
                State::Open(subscription) => match subscription.next().await {
                    Ok(delivery) => {
                        self.failures = 0;
                        return delivery;
                    }
                    Err(error) => self.broken(&error),
                },
                State::Waiting(delay) => {
                    delay.await;
                    self.state = State::Stopped;
                }
            }
        }
    }

    /// Stops consuming. A message that is on its way, or was taken and not acknowledged, goes back to
    /// the queue at once. [`Self::next`] starts again.
    pub async fn stop(&mut self) {
        // Of a subscription that is still being opened nothing is left once it is.
        if let State::Open(subscription) = std::mem::replace(&mut self.state, State::Stopped) {
            subscription.close().await;
        }
    }

    fn open(&self) -> BoxFuture<'static, Result<Subscription, QueueError>> {
        let (link, topology, region) = (
            self.link.clone(),
            self.topology.clone(),
            self.region.clone(),
        );
        async move { Subscription::open(&link, topology, region).await }.boxed()
    }

    fn broken(&mut self, error: &QueueError) {
        self.failures = self.failures.saturating_add(1);
        let delay = retry_delays().delay(self.failures);
        warn!(
            region.id = %self.region,
            error.message = error.describe(),
            retry.seconds = delay.as_secs_f64(),
            "consuming was interrupted"
        );
        self.state = State::Waiting(Box::pin(sleep(delay)));
    }
}
