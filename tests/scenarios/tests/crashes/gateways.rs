//! The gateway is killed while copies run.

use anyhow::{Context, ensure};
use scenarios::image_of_attempt;
use testbed::{Part, Region};

use crate::stage::{SOURCE, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_go_on_without_a_gateway_and_are_all_there_after() -> anyhow::Result<()> {
    let stage = Stage::enter().await?;
    let small = stage.image("beside the large one", 2).await?;
    let large = stage.large_image().await?;
    let held = stage.hold_a_copy().await?;
    stage.bed.thaw(SOURCE).await?;
    let mut jobs = vec![(held, large)];
    for _ in 0..4 {
        jobs.push((stage.start(&small).await?, &small));
    }
    let gateway = Part::Gateway(Region::Ot1);
    stage.bed.kill(gateway).await?;
    ensure!(
        stage.copies().get(&jobs[0].0).await.is_err(),
        "who answers?"
    );
    for (job, _) in &jobs {
        stage.until_active(&image_of_attempt(job, 1)?).await?;
    }
    stage.bed.start(gateway).await?;

    let mut replicas = Vec::new();
    for (job, image) in &jobs {
        let document = stage.copies().until_replicated(job).await?;
        ensure!(document["attempt"] == 1, "{document}");
        replicas.push(stage.replicas().expect_whole(&document, image).await?);
    }
    let list = stage.copies().list("").await?.json(200)?;
    let listed = list.as_array().context("no list")?;
    for (job, _) in &jobs {
        let times = listed.iter().filter(|one| one["job_id"] == job.as_str());
        ensure!(times.count() == 1, "job {job} is not listed once: {list}");
    }
    stage.leave(&replicas).await
}
