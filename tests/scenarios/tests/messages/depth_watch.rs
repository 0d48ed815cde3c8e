//! The depth of a queue, looked at all the while by passive declaration.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::ensure;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use testbed::TestBed;
use tokio::time::interval;
use tokio_util::task::AbortOnDropHandle;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Watches one queue until it is dropped.
pub(crate) struct DepthWatch {
    most: Arc<AtomicU32>,
    watching: AbortOnDropHandle<anyhow::Result<()>>,
}

impl DepthWatch {
    /// Starts to look at `queue`, which must exist.
    pub(crate) async fn start(bed: &TestBed, queue: &'static str) -> anyhow::Result<Self> {
        let connection = bed.amqp().await?;
        let channel = connection.create_channel().await?;
        let most = Arc::new(AtomicU32::new(0));
        let seen = most.clone();
        let watching = tokio::spawn(async move {
            let _open = connection;
            let mut looks = interval(PAUSE);
            loop {
                looks.tick().await;
                let passive = QueueDeclareOptions {
                    passive: true,
                    ..QueueDeclareOptions::default()
                };
                let queue = channel
                    .queue_declare(queue.into(), passive, FieldTable::default())
                    .await?;
                seen.fetch_max(queue.message_count(), Ordering::Relaxed);
            }
        });
        Ok(Self {
            most,
            watching: AbortOnDropHandle::new(watching),
        })
    }

    /// The most messages that were ever seen.
    pub(crate) fn most(&self) -> anyhow::Result<u32> {
        ensure!(!self.watching.is_finished(), "the watch has ended");
        Ok(self.most.load(Ordering::Relaxed))
    }
}
