//! Workers that are full for longer than the broker waits for an acknowledgement.

use std::time::Duration;

use anyhow::{Context, ensure};
use futures::StreamExt;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection};
use scenarios::Copies;
use testbed::{Part, Region, TestBed, eventually};
use tokio::time::timeout;

use crate::crowd;
use crate::turn::Turn;

const WORKER: Part = Part::Worker(Region::Ot2, 1);
const GLANCE: Part = Part::Glance(Region::Ot2);
/// Copies that one worker makes at once.
const SLOTS: usize = 2;
const JOBS: usize = 6;
/// A consumer that does what workers may not do: it holds a delivery.
const CANARY: &str = "canary";
/// What the broker writes when it loses patience with a consumer.
const TIMED_OUT: &str = "has timed out";
/// The canary's timeout, its check and a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_full_worker_holds_no_message_however_long_it_is_full() -> anyhow::Result<()> {
    let turn = Turn::take(0).await?;
    let bed = turn.bed;
    let (alice, image) = turn.alice_with_image("proj-ot1").await?;
    let copies = Copies::of(&alice);
    let jobs = crowd::post(&copies, &image, &turn.destination()?, JOBS).await?;
    turn.configure(WORKER, &format!("[worker]\ncopies = {SLOTS}"))
        .await?;
    // Copies take as long as Glance does not answer.
    bed.freeze(GLANCE).await?;
    bed.scale_workers(Region::Ot2, 1).await?;
    eventually(PATIENCE, "a full worker", || async {
        let documents = crowd::documents(&copies, &jobs).await?;
        let running = documents
            .values()
            .filter(|job| job["status"] == "replicating");
        ensure!(running.count() == SLOTS, "{documents:?}");
        Ok(())
    })
    .await?;

    outlast_the_broker(bed).await?;
    bed.thaw(GLANCE).await?;
    crowd::until_replicated(&copies, &jobs).await?;

    let timeouts = timeouts_logged(bed)?;
    ensure!(timeouts.len() == 1, "not the canary alone: {timeouts:#?}");
    let log = bed.log(WORKER)?;
    ensure!(!log.contains("consuming was interrupted"), "{log}");
    // Nothing dead-lettered: the end of the turn looks into that queue too.
    turn.finish().await
}

/// Waits until the broker has closed the channel of a consumer that got a delivery after the workers
/// were full, so that it would have closed theirs before if they held one.
async fn outlast_the_broker(bed: &TestBed) -> anyhow::Result<()> {
    let connection = bed.amqp().await?;
    let error = canary(&connection).await?;
    ensure!(error.contains("PRECONDITION"), "the canary died of {error}");
    Ok(())
}

/// Holds a delivery until the broker loses patience; says how it put that.
async fn canary(connection: &Connection) -> anyhow::Result<String> {
    let channel = connection.create_channel().await?;
    let private = QueueDeclareOptions {
        exclusive: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(CANARY.into(), private, FieldTable::default())
        .await?;
    channel
        .basic_publish(
            "".into(),
            CANARY.into(),
            BasicPublishOptions::default(),
            b"seed",
            BasicProperties::default(),
        )
        .await?
        .await?;
    let mut deliveries = channel
        .basic_consume(
            CANARY.into(),
            CANARY.into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await?;
    let _held = deliveries.next().await.context("no delivery")??;
    let end = timeout(PATIENCE, deliveries.next()).await;
    match end.context("the broker is patient")? {
        Some(Err(error)) => Ok(error.to_string()),
        other => anyhow::bail!("the consumer went on with {other:?}"),
    }
}

/// Lines in which the broker says that it lost patience with a consumer. It logs into files of its own.
fn timeouts_logged(bed: &TestBed) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(bed.directory().join("rabbitmq/log"))? {
        let path = entry?.path();
        if path.is_file() {
            let text = std::fs::read(path)?;
            let text = String::from_utf8_lossy(&text);
            let timeouts = text.lines().filter(|line| line.contains(TIMED_OUT));
            lines.extend(timeouts.map(str::to_owned));
        }
    }
    Ok(lines)
}
