//! The handle that a service holds: starts the connection and gives out the roles.

use std::sync::Arc;

use domain::RegionId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::connection::{Link, supervised};
use crate::consumer::Consumer;
use crate::depth::Depth;
use crate::error::QueueError;
use crate::publisher::Publisher;
use crate::settings::{InvalidSettings, Settings};
use crate::topology::Topology;

/// The process's access to RabbitMQ. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct WorkQueue {
    link: Link,
    topology: Arc<Topology>,
    depth: Arc<Depth>,
    publisher: Publisher,
}

impl WorkQueue {
    /// Starts connecting and goes on for as long as the process lives; returns at once, whether or not
    /// RabbitMQ is there. The connection is closed when `shutdown` is cancelled.
    ///
    /// # Errors
    /// [`InvalidSettings`], before anything is started.
    pub fn start(
        settings: &Settings,
        shutdown: CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Self, InvalidSettings> {
        let topology = Arc::new(settings.topology()?);
        settings.brokers()?;
        let (supervisor, link) = supervised(settings);
        tasks.spawn(
            supervisor
                .run(shutdown)
                .instrument(tracing::info_span!(target: "background", "rabbitmq connection")),
        );
        Ok(Self {
            depth: Arc::new(Depth::new(link.clone(), topology.clone())),
            publisher: Publisher::new(link.clone(), topology.clone()),
            link,
            topology,
        })
    }

    /// Whether there is a connection now, on which RabbitMQ takes messages.
    #[must_use]
    pub fn takes_messages(&self) -> bool {
        self.link.takes_messages()
    }

    /// The process's publisher; all clones share its channels.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// A consumer of `region`'s queue, stopped.
    #[must_use]
    pub fn consumer(&self, region: RegionId) -> Consumer {
        Consumer::new(self.link.clone(), self.topology.clone(), region)
    }

    /// How many messages of `region` wait for a worker. A queue that nobody has declared yet holds none.
    ///
    /// # Errors
    /// [`QueueError`] when RabbitMQ cannot be asked within a few seconds.
    pub async fn ready_count(&self, region: &RegionId) -> Result<u64, QueueError> {
        self.depth.ready_count(region).await
    }

    /// The names of the queues.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }
}
