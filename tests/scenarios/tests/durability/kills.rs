//! Redis is killed right after it was promised that a job will be done, again and again.

use anyhow::{Context, ensure};
use scenarios::Turn;
use testbed::{MadeImage, Part};

use crate::stage::{start_redis_empty, turn, until_accepted};

/// How often Redis is killed, unless [`HOW_OFTEN`] says otherwise.
const KILLS: usize = 50;
/// The environment variable for more of it.
const HOW_OFTEN: &str = "IMAGE_REPLICATOR_REDIS_KILLS";
/// Jobs whose images are there at once.
const BATCH: usize = 50;
/// Enough for a Redis that keeps nothing to lose some.
const FEW: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_right_after_a_202_knows_every_job() -> anyhow::Result<()> {
    let turn = turn().await?;
    let kills = match std::env::var(HOW_OFTEN) {
        Ok(text) => text.parse().context(HOW_OFTEN)?,
        Err(_) => KILLS,
    };
    turn.until_noted("durability", "accepted jobs are safe")
        .await?;
    let image = turn.image("just accepted", 1).await?;
    for begun in (0..kills).step_by(BATCH) {
        let jobs = accept_and_kill(&turn, &image, BATCH.min(kills - begun)).await?;
        let lost = lost(&turn, &jobs).await?;
        ensure!(lost.is_empty(), "lost: {lost:?}");
        expect_listed_once(&turn, &jobs).await?;
        for job in &jobs {
            let document = turn.copies().until_replicated(job).await?;
            let replica = turn.replicas().expect_whole(&document, &image).await?;
            turn.there().delete_image(&replica).await?;
        }
    }
    turn.leave(&[]).await
}

/// The same attack on a Redis that keeps nothing: were no job lost here, the test above would prove nothing.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_append_only_file_the_same_kills_lose_jobs() -> anyhow::Result<()> {
    let turn = turn().await?;
    start_redis_empty(turn.bed, &[("appendonly", "no")]).await?;
    turn.until_noted("durability", "appendonly is no").await?;
    let image = turn.image("soon forgotten", 1).await?;
    // What nobody knows any more would be copied all the same.
    turn.freeze(&turn.workers()).await?;
    let jobs = accept_and_kill(&turn, &image, FEW).await?;
    let lost = lost(&turn, &jobs).await?;
    ensure!(!lost.is_empty(), "none of {jobs:?} is lost");
    start_redis_empty(turn.bed, &[]).await?;
    turn.thaw(&turn.workers()).await?;
    turn.leave(&[]).await
}

/// Has jobs accepted, and kills Redis each time that one is. Gives the jobs.
async fn accept_and_kill(
    turn: &Turn,
    image: &MadeImage,
    times: usize,
) -> anyhow::Result<Vec<String>> {
    let mut jobs = Vec::new();
    for _ in 0..times {
        jobs.push(until_accepted(turn, image).await?);
        turn.bed.kill(Part::Redis).await?;
        turn.bed.start(Part::Redis).await?;
    }
    // From here on the store is there.
    turn.until_noted("redis", "ok").await?;
    Ok(jobs)
}

/// Those that the service does not know.
async fn lost(turn: &Turn, jobs: &[String]) -> anyhow::Result<Vec<String>> {
    let mut lost = Vec::new();
    for job in jobs {
        let answer = turn.copies().get(job).await?;
        match answer.status {
            200 => {}
            404 => lost.push(job.clone()),
            _ => anyhow::bail!("{answer}"),
        }
    }
    Ok(lost)
}

async fn expect_listed_once(turn: &Turn, jobs: &[String]) -> anyhow::Result<()> {
    let list = turn.copies().list("?limit=1000").await?.json(200)?;
    let listed = list.as_array().context("no list")?;
    for job in jobs {
        let times = listed.iter().filter(|one| one["job_id"] == job.as_str());
        ensure!(times.count() == 1, "job {job} is not listed once: {list}");
    }
    Ok(())
}
