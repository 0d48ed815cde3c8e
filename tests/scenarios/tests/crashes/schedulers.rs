//! No scheduler runs for a while.

use anyhow::ensure;
use scenarios::Hold;
use tokio::time::sleep;

use crate::stage::{LEASE, expect_no_lost_lease, kill_schedulers, start_schedulers, turn};

#[tokio::test(flavor = "multi_thread")]
async fn copies_outlive_an_outage_of_all_schedulers() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("eight at once", Hold::MEBIBYTES).await?;
    // None ends before the schedulers are gone.
    let hold = Hold::on(turn.bed)?;
    let mut jobs = Vec::new();
    for _ in 0..8 {
        jobs.push(turn.start(&image).await?);
    }
    for job in &jobs {
        hold.until_held(&turn.copies(), job).await?;
    }
    kill_schedulers(&turn).await?;
    hold.release();
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
