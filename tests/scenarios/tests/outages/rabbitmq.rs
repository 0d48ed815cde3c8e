//! Without RabbitMQ work goes on, only slower; and when it is back it is used again.

use anyhow::ensure;
use scenarios::Hold;
use testbed::{Part, eventually};
use tokio::time::Instant;

use crate::stage::{Crew, OUTAGE, QUEUE, RETURN, settle_queue, turn, until_consumed};

/// More than the workers' prefetched messages, so that some stay where they can be counted.
const JOBS: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_accepted_and_done_while_rabbitmq_is_away() -> anyhow::Result<()> {
    let turn = turn().await?;
    let crew = Crew::of(&turn).await?;
    let image = turn.image("without messages", 1).await?;
    turn.bed.kill(Part::Rabbitmq).await?;
    let away_since = Instant::now();
    let mut replicas = Vec::new();
    while away_since.elapsed() < OUTAGE {
        let job = turn.start(&image).await?;
        let document = turn.copies().until_replicated(&job).await?;
        ensure!(document["attempt"] == 1, "{document}");
        replicas.push(turn.replicas().expect_whole(&document, &image).await?);
    }
    turn.bed.start(Part::Rabbitmq).await?;

    until_consumed(turn.bed).await?;
    // Messages that arrive while no worker moves show that they are published; that they are gone at
    // the end shows that they are consumed, for nothing else takes them out of the queue.
    turn.freeze(&turn.workers()).await?;
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        jobs.push(turn.start(&image).await?);
    }
    eventually(RETURN, "messages in the queue", || async {
        let waiting = turn.bed.messages(QUEUE).await?;
        ensure!(waiting > Some(0), "{waiting:?} messages wait");
        Ok(())
    })
    .await?;
    turn.thaw(&turn.workers()).await?;
    for job in &jobs {
        let document = turn.copies().until_replicated(job).await?;
        replicas.push(turn.replicas().expect_whole(&document, &image).await?);
    }
    crew.expect_unchanged(&turn).await?;
    turn.leave(&replicas).await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_of_rabbitmqs_data_deleted_all_jobs_still_end() -> anyhow::Result<()> {
    let turn = turn().await?;
    let crew = Crew::of(&turn).await?;
    let image = turn.image("its message is lost", 1).await?;
    let large = turn.image("its copy is under way", Hold::MEBIBYTES).await?;
    let hold = Hold::on(turn.bed)?;
    let running = turn.start(&large).await?;
    let canceled = turn.start(&large).await?;
    for job in [&running, &canceled] {
        hold.until_held(&turn.copies(), job).await?;
    }
    turn.freeze(&turn.workers()).await?;
    turn.copies().cancel(&canceled).await?.expect_no_content()?;
    hold.release();
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        jobs.push(turn.start(&image).await?);
    }
    turn.bed.kill(Part::Rabbitmq).await?;
    // Queues, messages and users: all that the broker knows.
    std::fs::remove_dir_all(turn.bed.directory().join("rabbitmq/mnesia"))?;
    turn.bed.start(Part::Rabbitmq).await?;
    turn.thaw(&turn.workers()).await?;

    let mut replicas = Vec::new();
    for job in &jobs {
        let document = turn.copies().until_replicated(job).await?;
        replicas.push(turn.replicas().expect_whole(&document, &image).await?);
    }
    let document = turn.copies().until_replicated(&running).await?;
    replicas.push(turn.replicas().expect_whole(&document, &large).await?);
    let copies = turn.copies();
    let over = copies.until(&canceled, "canceled", |document| {
        document["status"] == "canceled"
    });
    over.await?;
    let left = turn.replicas().made_by(&canceled).await?;
    ensure!(left.is_empty(), "the canceled copy left {left:?}");
    settle_queue(turn.bed).await?;
    crew.expect_unchanged(&turn).await?;
    turn.leave(&replicas).await
}
