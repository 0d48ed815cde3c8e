//! A worker ends in the middle of a copy: killed, or told to.

use anyhow::ensure;
use scenarios::image_of_attempt;

use crate::stage::{turn, until_attempt};

#[tokio::test(flavor = "multi_thread")]
async fn another_worker_takes_over_from_one_that_was_killed() -> anyhow::Result<()> {
    let turn = turn().await?;
    let (hold, job) = turn.hold_a_copy().await?;
    let worker = turn.worker_of(&job, 1)?;
    turn.bed.kill(worker).await?;
    hold.release();

    let document = turn.copies().until_replicated(&job).await?;
    ensure!(document["attempt"] == 2, "{document}");
    let image = turn.large_image().await?;
    let replica = turn.replicas().expect_whole(&document, image).await?;
    ensure!(replica == image_of_attempt(&job, 2)?, "{document}");
    let first = image_of_attempt(&job, 1)?;
    turn.replicas().expect_gone(&first).await?;
    ensure!(turn.worker_of(&job, 2)? != worker, "the dead work");
    turn.bed.start(worker).await?;
    turn.leave(&[replica]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_end_hands_its_copy_back() -> anyhow::Result<()> {
    let turn = turn().await?;
    let (hold, job) = turn.hold_a_copy().await?;
    let worker = turn.worker_of(&job, 1)?;
    // It is still held, so it cannot end within the worker's drain.
    turn.bed.stop(worker).await?;
    turn.replicas()
        .expect_gone(&image_of_attempt(&job, 1)?)
        .await?;

    until_attempt(&turn, &job, 2).await?;
    turn.expect_no_lost_lease(Some(&job))?;
    hold.release();
    let document = turn.copies().until_replicated(&job).await?;
    ensure!(document["attempt"] == 2, "{document}");
    let image = turn.large_image().await?;
    let replica = turn.replicas().expect_whole(&document, image).await?;
    turn.expect_no_lost_lease(Some(&job))?;
    turn.bed.start(worker).await?;
    turn.leave(&[replica]).await
}
