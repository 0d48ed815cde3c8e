//! Without Redis nothing is accepted and nothing is known, but what runs goes on. That nothing is lost that was
//! accepted is shown in `durability`.

use anyhow::ensure;
use scenarios::{Answer, Hold, image_of_attempt};
use testbed::Part;
use tokio::time::Instant;

use crate::stage::{Crew, OUTAGE, turn};

/// As many as the configuration lets run at once for a tenant.
const RUNNING: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn running_copies_and_waiting_jobs_outlive_an_outage_of_redis() -> anyhow::Result<()> {
    let turn = turn().await?;
    let crew = Crew::of(&turn).await?;
    let image = turn.image("without a store", Hold::MEBIBYTES).await?;
    let hold = Hold::on(turn.bed)?;
    let mut jobs = Vec::new();
    for _ in 0..2 * RUNNING {
        jobs.push(turn.start(&image).await?);
    }
    let (running, waiting) = jobs.split_at(RUNNING);
    for job in running {
        hold.until_held(&turn.copies(), job).await?;
    }
    turn.bed.kill(Part::Redis).await?;
    let away_since = Instant::now();
    hold.release();

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

fn expect_unavailable(answer: &Answer) -> anyhow::Result<()> {
    answer.expect_fault_naming(503, "Service Unavailable", &[])?;
    let seconds: u64 = answer.header("retry-after").parse()?;
    ensure!(seconds > 0, "come back at once? {answer}");
    Ok(())
}
