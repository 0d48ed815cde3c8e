//! No scheduler runs for a while.

use anyhow::ensure;
use tokio::time::sleep;

use crate::stage::{
    LEASE, SOURCE, expect_no_lost_lease, kill_schedulers, start_schedulers, turn, workers,
};

#[tokio::test(flavor = "multi_thread")]
async fn copies_outlive_an_outage_of_all_schedulers() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("eight at once", 64).await?;
    // They begin together, so that none ends before the last has begun.
    for worker in workers() {
        turn.bed.freeze(worker).await?;
    }
    let mut jobs = Vec::new();
    for _ in 0..8 {
        jobs.push(turn.start(&image).await?);
    }
    for worker in workers() {
        turn.bed.thaw(worker).await?;
    }
    for job in &jobs {
        turn.copies().until_copying(job).await?;
    }
    // Now none ends before the schedulers are gone.
    turn.bed.freeze(SOURCE).await?;
    for job in &jobs {
        let held = turn.copies().show(job).await?;
        ensure!(held["status"] == "replicating", "it got away: {held}");
    }
    kill_schedulers(&turn).await?;
    turn.bed.thaw(SOURCE).await?;
    // The length of the outage is what is tested: every lease has run out long before its end.
    sleep(3 * LEASE).await;
    start_schedulers(&turn).await?;

    let mut replicas = Vec::new();
    for job in &jobs {
        let document = turn.copies().until_replicated(job).await?;
        ensure!(document["attempt"] == 1, "another attempt: {document}");
        replicas.push(turn.replicas().expect_whole(&document, &image).await?);
        expect_no_lost_lease(&turn, job)?;
    }
    turn.leave(&replicas).await
}
