//! Without Redis nothing is accepted and nothing is known, but what runs goes on; and what was
//! accepted is never lost.

use anyhow::{Context, ensure};
use scenarios::{Answer, Turn, image_of_attempt};
use testbed::{MadeImage, Part, Region, eventually};
use tokio::time::Instant;

use crate::stage::{Crew, OUTAGE, RETURN, turn, workers};

/// The Glance that is read.
const SOURCE: Part = Part::Glance(Region::Ot1);
/// As many as the configuration lets run at once for a tenant.
const RUNNING: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn running_copies_and_waiting_jobs_outlive_an_outage_of_redis() -> anyhow::Result<()> {
    let turn = turn().await?;
    let crew = Crew::of(&turn).await?;
    let image = turn.image("without a store", 96).await?;
    for worker in workers() {
        turn.bed.freeze(worker).await?;
    }
    let mut jobs = Vec::new();
    for _ in 0..2 * RUNNING {
        jobs.push(turn.start(&image).await?);
    }
    for worker in workers() {
        turn.bed.thaw(worker).await?;
    }
    let (running, waiting) = jobs.split_at(RUNNING);
    for job in running {
        turn.copies().until_copying(job).await?;
    }
    turn.bed.freeze(SOURCE).await?;
    for job in running {
        let held = turn.copies().show(job).await?;
        ensure!(held["status"] == "replicating", "it got away: {held}");
    }
    turn.bed.kill(Part::Redis).await?;
    let away_since = Instant::now();
    turn.bed.thaw(SOURCE).await?;

    for job in running {
        turn.until_active(&image_of_attempt(job, 1)?).await?;
    }
    while away_since.elapsed() < OUTAGE {
        for answer in [
            turn.ask(&image).await?,
            turn.copies().get(&jobs[0]).await?,
            turn.copies().list("").await?,
        ] {
            expect_unavailable(&answer)?;
        }
    }
    turn.bed.start(Part::Redis).await?;

    let mut replicas = Vec::new();
    for job in running.iter().chain(waiting) {
        let document = turn.copies().until_replicated(job).await?;
        ensure!(document["attempt"] == 1, "{document}");
        replicas.push(turn.replicas().expect_whole(&document, &image).await?);
    }
    crew.expect_unchanged(&turn).await?;
    turn.leave(&replicas).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_after_a_202_still_knows_the_job() -> anyhow::Result<()> {
    let turn = turn().await?;
    let crew = Crew::of(&turn).await?;
    let image = turn.image("just accepted", 1).await?;
    let mut jobs = Vec::new();
    for _ in 0..10 {
        jobs.push(until_accepted(&turn, &image).await?);
        turn.bed.kill(Part::Redis).await?;
        turn.bed.start(Part::Redis).await?;
    }
    let mut replicas = Vec::new();
    for job in &jobs {
        let document = turn.copies().until_replicated(job).await?;
        replicas.push(turn.replicas().expect_whole(&document, &image).await?);
    }
    let list = turn.copies().list("").await?.json(200)?;
    let listed = list.as_array().context("no list")?;
    for job in &jobs {
        let times = listed.iter().filter(|one| one["job_id"] == job.as_str());
        ensure!(times.count() == 1, "job {job} is not listed once: {list}");
    }
    crew.expect_unchanged(&turn).await?;
    turn.leave(&replicas).await
}

/// Asks until the services have found the store again.
async fn until_accepted(turn: &Turn, image: &MadeImage) -> anyhow::Result<String> {
    eventually(RETURN, "a job being accepted", || async {
        turn.ask(image).await?.accepted_job()
    })
    .await
}

fn expect_unavailable(answer: &Answer) -> anyhow::Result<()> {
    answer.expect_fault_naming(503, "Service Unavailable", &[])?;
    let seconds: u64 = answer.header("retry-after").parse()?;
    ensure!(seconds > 0, "come back at once? {answer}");
    Ok(())
}
