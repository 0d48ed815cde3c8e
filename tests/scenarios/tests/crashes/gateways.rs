//! The gateway is killed while copies run.

use anyhow::{Context, ensure};
use scenarios::image_of_attempt;
use testbed::{Part, Region};

use crate::stage::turn;

#[tokio::test(flavor = "multi_thread")]
async fn jobs_go_on_without_a_gateway_and_are_all_there_after() -> anyhow::Result<()> {
    let turn = turn().await?;
    let small = turn.image("beside the large one", 2).await?;
    let large = turn.large_image().await?;
    let (hold, held) = turn.hold_a_copy().await?;
    let mut jobs = vec![(held, large)];
    for _ in 0..4 {
        jobs.push((turn.start(&small).await?, &small));
    }
    let gateway = Part::Gateway(Region::Ot1);
    turn.bed.kill(gateway).await?;
    hold.release();
    ensure!(turn.copies().get(&jobs[0].0).await.is_err(), "who answers?");
    for (job, _) in &jobs {
        turn.until_active(&image_of_attempt(job, 1)?).await?;
    }
    turn.bed.start(gateway).await?;

    let mut replicas = Vec::new();
    for (job, image) in &jobs {
        let document = turn.copies().until_replicated(job).await?;
        ensure!(document["attempt"] == 1, "{document}");
        replicas.push(turn.replicas().expect_whole(&document, image).await?);
    }
    let list = turn.copies().list("").await?.json(200)?;
    let listed = list.as_array().context("no list")?;
    for (job, _) in &jobs {
        let times = listed.iter().filter(|one| one["job_id"] == job.as_str());
        ensure!(times.count() == 1, "job {job} is not listed once: {list}");
    }
    turn.leave(&replicas).await
}
