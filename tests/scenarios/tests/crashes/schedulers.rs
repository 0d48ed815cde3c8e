//! No scheduler runs for a while.

use anyhow::ensure;
use scenarios::{Hold, LEASE};
use tokio::time::sleep;

use crate::stage::turn;

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
    turn.kill(&turn.schedulers()).await?;
    hold.release();
    // The length of the outage is what is tested: every lease has run out long before its end.
    sleep(3 * LEASE).await;
    turn.revive(&turn.schedulers()).await?;

    let mut replicas = Vec::new();
    for job in &jobs {
        let document = turn.copies().until_replicated(job).await?;
        ensure!(document["attempt"] == 1, "another attempt: {document}");
        replicas.push(turn.replicas().expect_whole(&document, &image).await?);
        turn.expect_no_lost_lease(Some(job))?;
    }
    turn.leave(&replicas).await
}
