//! A worker that is told to end hands its copy to another, and how long that takes.

use anyhow::{Context, ensure};
use jiff::Timestamp;
use testbed::say;
use tokio::time::Instant;

use crate::stage::{drain, logged_at, turn};

#[tokio::test(flavor = "multi_thread")]
async fn another_worker_starts_at_once_on_what_was_handed_back() -> anyhow::Result<()> {
    let turn = turn().await?;
    // A copy that stands still cannot end within the drain.
    let (hold, job) = turn.hold_a_copy().await?;
    let worker = turn.worker_of(&job, 1)?;
    let mut others = turn.workers().into_iter().filter(|other| *other != worker);
    let other = others.next().context("there are two")?;

    let told = Instant::now();
    drain(turn.bed, worker).await?;
    let drained = told.elapsed();
    let granted = ["a unit is granted", job.as_str(), "job.attempt=2 "];
    let granted = logged_at(&turn, other, &granted).await?;
    let handed_back = ["the unit is handed back", job.as_str()];
    let handed_back = logged_at(&turn, worker, &handed_back).await?;
    let told_off = ["the units that still run are handed back"];
    let told_off = logged_at(&turn, worker, &told_off).await?;
    hold.release();
    let milliseconds = |from: Timestamp, to: Timestamp| to.duration_since(from).as_millis();
    say(format_args!(
        "SIGTERM to the end of the worker: {} ms, of them {} ms to hand the copy back; from there to the next \
         worker's grant: {} ms (a lease is 30 s)",
        drained.as_millis(),
        milliseconds(told_off, handed_back),
        milliseconds(handed_back, granted),
    ));

    let document = turn.copies().until_replicated(&job).await?;
    ensure!(document["attempt"] == 2, "{document}");
    let replica = turn
        .replicas()
        .expect_whole(&document, turn.large_image().await?)
        .await?;
    turn.expect_no_lost_lease(None)?;
    turn.bed.start(worker).await?;
    turn.leave(&[replica]).await
}
