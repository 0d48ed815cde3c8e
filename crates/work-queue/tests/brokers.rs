//! Connections to a real RabbitMQ: with TLS, to the one of several that is there, and with what was rotated.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::RegionId;
use serde_json::{Value, json};
use service_kit::config::RabbitmqConfig;
use testbed::{Authority, RabbitmqOptions, TestBed, eventually};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use work_queue::{Settings, WorkQueue};

/// Longest wait for a connection on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A queue that is closed with this value.
struct Queue {
    queue: WorkQueue,
    shutdown: CancellationToken,
}

impl Queue {
    fn start(config: Value) -> Self {
        let rabbitmq: RabbitmqConfig = serde_json::from_value(config).expect("a configuration");
        let settings = Settings {
            rabbitmq,
            connection_name: "test".to_owned(),
        };
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let queue = WorkQueue::start(&settings, shutdown.clone(), &tasks).expect("it can be used");
        Self { queue, shutdown }
    }

    /// Asks the broker something, for as long as it takes until it answers.
    async fn until_answered(&self) {
        let region = RegionId::new("nowhere");
        let asked = async || Ok(self.queue.ready_count(&region).await?);
        eventually(PATIENCE, "RabbitMQ's answer", asked)
            .await
            .expect("it answers");
    }

    fn is_connected(&self) -> bool {
        self.queue.takes_messages()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("the directory is ours");
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_are_found_and_trusted_as_configured_and_what_is_rotated_is_taken_up() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("brokers");
    let authority = Authority::new().expect("keys can be made");
    let certificate = authority.server(&directory).expect("it can be signed");
    let bed = TestBed::builder()
        .without_services()
        .rabbitmq(RabbitmqOptions {
            tls: Some(certificate),
            ..RabbitmqOptions::default()
        })
        .start();
    let bed = bed.await.expect("a test bed");
    let (plain, encrypted) = (bed.rabbitmq_url(), bed.rabbitmq_tls_url());
    let trusted = write(&directory, "trusted.pem", authority.pem());
    let stranger = Authority::new().expect("keys can be made");
    let rotated = write(&directory, "rotated.pem", stranger.pem());

    // Nobody trusts these brokers, by the machine's authorities or by a stranger's.
    let untrusting = Queue::start(json!({"url": encrypted}));
    let mistaken = Queue::start(json!({"url": encrypted, "ca_file": rotated}));
    let wrong = plain.replace("guest:guest", "guest:wrong");
    let login = write(&directory, "url", &wrong);
    let stranger = Queue::start(json!({"url_file": login}));

    Queue::start(json!({"url": encrypted, "ca_file": trusted}))
        .until_answered()
        .await;
    // Of several brokers one is enough. Nobody listens on the first address.
    let host_and_port = |url: &str| {
        let (_, rest) = url.split_once('@').expect("with a login");
        rest.split('/').next().expect("a host").to_owned()
    };
    let servers = |url: &str| json!(["127.0.0.1:1", host_and_port(url)]);
    Queue::start(
        json!({"url": "amqp://guest:guest@nowhere.invalid/%2f", "servers": servers(&plain)}),
    )
    .until_answered()
    .await;
    let both = json!({
        "url": "amqps://guest:guest@nowhere.invalid/%2f",
        "servers": servers(&encrypted),
        "ca_file": trusted,
    });
    Queue::start(both).until_answered().await;

    // The others had as much time.
    for queue in [&untrusting, &mistaken, &stranger] {
        assert!(!queue.is_connected());
    }
    write(&directory, "rotated.pem", authority.pem());
    mistaken.until_answered().await;
    write(&directory, "url", &plain);
    stranger.until_answered().await;
    assert!(!untrusting.is_connected());
}
