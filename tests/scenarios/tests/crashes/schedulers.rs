//! No scheduler runs for a while.

use anyhow::ensure;
use tokio::time::sleep;

use crate::stage::{LEASE, SOURCE, Stage, workers};

#[tokio::test(flavor = "multi_thread")]
async fn copies_outlive_an_outage_of_all_schedulers() -> anyhow::Result<()> {
    let stage = Stage::enter().await?;
    let image = stage.image("eight at once", 64).await?;
    // They begin together, so that none ends before the last has begun.
    for worker in workers() {
        stage.bed.freeze(worker).await?;
    }
    let mut jobs = Vec::new();
    for _ in 0..8 {
        jobs.push(stage.start(&image).await?);
    }
    for worker in workers() {
        stage.bed.thaw(worker).await?;
    }
    for job in &jobs {
        stage.copies().until_copying(job).await?;
    }
    // Now none ends before the schedulers are gone.
    stage.bed.freeze(SOURCE).await?;
    for job in &jobs {
        let held = stage.copies().show(job).await?;
        ensure!(held["status"] == "replicating", "it got away: {held}");
    }
    stage.kill_schedulers().await?;
    stage.bed.thaw(SOURCE).await?;
    // The length of the outage is what is tested: every lease has run out long before its end.
    sleep(3 * LEASE).await;
    stage.start_schedulers().await?;

    let mut replicas = Vec::new();
    for job in &jobs {
        let document = stage.copies().until_replicated(job).await?;
        ensure!(document["attempt"] == 1, "another attempt: {document}");
        replicas.push(stage.replicas().expect_whole(&document, &image).await?);
        stage.expect_no_lost_lease(job)?;
    }
    stage.leave(&replicas).await
}
