//! Messages that are doubled, forged or broken: nothing follows from them.

use anyhow::{Context, ensure};
use futures::future::try_join_all;
use lapin::Channel;
use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Confirmation};
use scenarios::Copies;
use std::time::Duration;
use testbed::{Part, Region, eventually};

use crate::crowd;
use crate::turn::Turn;

const QUEUE: &str = "copy.ot2";
const DEAD_LETTERS: &str = "copy.dead-letter";
/// How often each message is published.
const TIMES: usize = 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// What no `CopyJob` looks like: no protocol buffer, none of this shape, no ids in it.
const GARBAGE: [&[u8]; 4] = [b"", b"\xff\xff\xff\xff", b"{\"job_id\": 1}", b"\x0a\x03job"];

#[tokio::test(flavor = "multi_thread")]
async fn doubled_and_forged_messages_do_no_harm_and_garbage_is_set_aside() -> anyhow::Result<()> {
    let turn = Turn::take(0).await?;
    let bed = turn.bed;
    let (alice, image) = turn.alice_with_image("proj-ot1").await?;
    let copies = Copies::of(&alice);
    let jobs = crowd::post(&copies, &image, &turn.destination()?, 4).await?;

    let connection = bed.amqp().await?;
    let channel = connection.create_channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    let real = taken_message(&channel).await?;
    let unknown = uuid::Uuid::new_v4().to_string();
    let forged = [
        real.clone(),
        copy_job(&unknown, "ot1", "ot2"),
        copy_job(&unknown, "mars", "venus"),
        copy_job(&jobs[0], "ot2", "ot1"),
    ];
    for message in forged.iter().map(Vec::as_slice).chain(GARBAGE) {
        for _ in 0..TIMES {
            publish(&channel, QUEUE, message).await?;
        }
    }
    // A job that goes to `ot2`, told to the workers of `ot1`.
    publish(&channel, "copy.ot1", &real).await?;
    connection.close(200, "done".into()).await?;

    bed.scale_workers(Region::Ot2, 2).await?;
    let ended = crowd::until_replicated(&copies, &jobs).await?;
    for document in ended.values() {
        ensure!(
            document["attempt"] == 1,
            "more than one attempt: {document}"
        );
    }
    set_aside(&turn).await?;
    let ours = alice_copies(&turn, &jobs).await?;
    ensure!(ours == jobs.len(), "{ours} images of {} jobs", jobs.len());
    for number in 1..=2 {
        let log = bed.log(Part::Worker(Region::Ot2, number))?;
        ensure!(!log.contains("panicked"), "{log}");
    }
    turn.finish().await
}

/// The garbage is in the dead-letter queue, all of it and nothing else; then an operator clears it.
async fn set_aside(turn: &Turn) -> anyhow::Result<()> {
    let expected = u32::try_from(GARBAGE.len() * TIMES)?;
    eventually(PATIENCE, "garbage set aside and all else gone", || async {
        let queues = [QUEUE, "copy.ot1", DEAD_LETTERS].map(|queue| turn.bed.messages(queue));
        let depths = try_join_all(queues).await?;
        ensure!(depths == [Some(0), Some(0), Some(expected)], "{depths:?}");
        Ok(())
    })
    .await?;
    turn.bed.purge(DEAD_LETTERS).await?;
    Ok(())
}

/// Images in `ot2` that copies of `jobs` have made.
async fn alice_copies(turn: &Turn, jobs: &[String]) -> anyhow::Result<usize> {
    let images = turn.bed.cloud("admin", Region::Ot2).await?.images().await?;
    let made_by = |image: &serde_json::Value| {
        let job = image["replicated_by_job"].as_str();
        job.is_some_and(|job| jobs.iter().any(|ours| ours == job))
    };
    Ok(images.iter().filter(|image| made_by(image)).count())
}

/// One of the messages that the gateway has published; it leaves the queue.
async fn taken_message(channel: &Channel) -> anyhow::Result<Vec<u8>> {
    let at_once = BasicGetOptions { no_ack: true };
    let message = channel.basic_get(QUEUE.into(), at_once).await?;
    Ok(message.context("the queue is empty")?.delivery.data)
}

async fn publish(channel: &Channel, queue: &str, message: &[u8]) -> anyhow::Result<()> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let stored = channel
        .basic_publish(
            "".into(),
            queue.into(),
            options,
            message,
            BasicProperties::default(),
        )
        .await?
        .await?;
    ensure!(stored == Confirmation::Ack(None), "not stored: {stored:?}");
    Ok(())
}

/// `imagereplicator.v1.CopyJob` as anybody could write it (Protocol Buffers encoding, fields 1, 3 and 4).
fn copy_job(job: &str, source: &str, destination: &str) -> Vec<u8> {
    let fields = [(1_u8, job), (3, source), (4, destination)];
    let mut bytes = Vec::new();
    for (number, text) in fields {
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        bytes.extend([number << 3 | 2, length]);
        bytes.extend(text.as_bytes());
    }
    bytes
}
