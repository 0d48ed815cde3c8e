//! A worker ends in the middle of a copy: killed, or told to.

use anyhow::ensure;
use scenarios::image_of_attempt;

use crate::stage::{SOURCE, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn another_worker_takes_over_from_one_that_was_killed() -> anyhow::Result<()> {
    let stage = Stage::enter().await?;
    let job = stage.hold_a_copy().await?;
    let worker = stage.worker_of(&job, 1)?;
    stage.bed.kill(worker).await?;
    stage.bed.thaw(SOURCE).await?;

    let document = stage.copies().until_replicated(&job).await?;
    ensure!(document["attempt"] == 2, "{document}");
    let image = stage.large_image().await?;
    let replica = stage.replicas().expect_whole(&document, image).await?;
    ensure!(replica == image_of_attempt(&job, 2)?, "{document}");
    let first = image_of_attempt(&job, 1)?;
    stage.replicas().expect_gone(&first).await?;
    ensure!(stage.worker_of(&job, 2)? != worker, "the dead work");
    stage.bed.start(worker).await?;
    stage.leave(&[replica]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_end_hands_its_copy_back() -> anyhow::Result<()> {
    let stage = Stage::enter().await?;
    let job = stage.hold_a_copy().await?;
    let worker = stage.worker_of(&job, 1)?;
    // The source stands still, so the copy cannot end within the worker's drain.
    stage.bed.stop(worker).await?;
    stage
        .replicas()
        .expect_gone(&image_of_attempt(&job, 1)?)
        .await?;

    stage.until_attempt(&job, 2).await?;
    stage.expect_no_lost_lease(&job)?;
    stage.bed.thaw(SOURCE).await?;
    let document = stage.copies().until_replicated(&job).await?;
    ensure!(document["attempt"] == 2, "{document}");
    let image = stage.large_image().await?;
    let replica = stage.replicas().expect_whole(&document, image).await?;
    stage.expect_no_lost_lease(&job)?;
    stage.bed.start(worker).await?;
    stage.leave(&[replica]).await
}
