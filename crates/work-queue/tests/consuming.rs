//! Consuming from a real RabbitMQ that is begun and given up at every moment.

use std::time::Duration;

use domain::{JobId, RegionId};
use serde_json::json;
use service_kit::config::RabbitmqConfig;
use testbed::{TestBed, eventually};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use work_queue::{CopyJob, Settings, WorkQueue};

/// Longest wait for the broker on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Beginnings that are given up, each this much later than the one before: together longer than a beginning takes.
const BEGINNINGS: u32 = 200;
const STEP: Duration = Duration::from_micros(100);

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_a_consumer_that_begins_holds_no_message() {
    let bed = TestBed::builder().without_services().start();
    let bed = bed.await.expect("a test bed");
    let config = json!({"url": bed.rabbitmq_url()});
    let rabbitmq: RabbitmqConfig = serde_json::from_value(config).expect("a configuration");
    let settings = Settings {
        rabbitmq,
        connection_name: "test".to_owned(),
    };
    let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
    let queue = WorkQueue::start(&settings, shutdown.clone(), &tasks).expect("it can be used");
    let region = RegionId::new("ot2");
    let message = CopyJob {
        job_id: JobId::generate(),
        attempt_hint: 1,
        source_region: RegionId::new("ot1"),
        destination_region: region.clone(),
        size_bytes: 1,
    };
    let published = async || Ok(queue.publisher().publish(&message, None).await?);
    eventually(PATIENCE, "a message in the queue", published)
        .await
        .expect("RabbitMQ is there");

    let mut consumer = queue.consumer(region.clone());
    for beginning in 0..BEGINNINGS {
        let next = consumer.next();
        // Who gets the message gives it back by stopping as well.
        let _got = timeout(STEP * beginning, next).await;
        consumer.stop().await;
    }
    eventually(PATIENCE, "the message back in the queue", async || {
        let ready = queue.ready_count(&region).await?;
        anyhow::ensure!(ready == 1, "{ready} messages are ready");
        Ok(())
    })
    .await
    .expect("nobody holds it");
    shutdown.cancel();
}
