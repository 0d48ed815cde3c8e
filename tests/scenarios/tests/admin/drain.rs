//! A region is drained while copies run and wait.

use anyhow::ensure;
use scenarios::Turn;
use testbed::Part;

use crate::stage::{admin, document, expect_audited, refusal, region, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_region_finishes_what_runs_and_begins_nothing_until_it_is_undrained()
-> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.large_image().await?;
    let (hold, running) = turn.hold_a_copy().await?;
    let drained = admin(&turn, &["region", "drain", "ot2", "--operator", "olga"]).await?;
    ensure!(drained.starts_with("region ot2 is drained"), "{drained}");
    expect_audited(&turn, &["olga", "region drain", "ot2", "success"])?;

    // A caller is not turned away, and what ran ends well.
    let waiting = turn.start(image).await?;
    hold.release();
    let done = turn.copies().until_replicated(&running).await?;
    let first = turn.replicas().expect_whole(&done, image).await?;
    until_told(&turn, true).await?;
    turn.until_noted("drained", "by olga: nothing of it is granted")
        .await?;

    // It outlives every scheduler, and Redis.
    turn.kill(&turn.schedulers()).await?;
    turn.bed.kill(Part::Redis).await?;
    turn.bed.start(Part::Redis).await?;
    turn.revive(&turn.schedulers()).await?;
    until_told(&turn, true).await?;
    let usage = document(&turn, &["limits"]).await?;
    let ot2 = region(&usage, "ot2")?;
    ensure!(
        ot2["drain"]["operator"] == "olga" && ot2["running_into"] == 0,
        "{usage}"
    );
    ensure!(usage["tenants"][0]["waiting"] == 1, "{usage}");
    let shown = turn.copies().show(&waiting).await?;
    ensure!(
        shown["status"] == "replicate_requested" && shown["attempt"] == 0,
        "{shown}"
    );
    let refused = refusal(&turn, &["orphans", "ot2"]).await?;
    ensure!(refused.contains("undrain it first"), "{refused}");

    admin(&turn, &["region", "undrain", "ot2"]).await?;
    let done = turn.copies().until_replicated(&waiting).await?;
    let second = turn.replicas().expect_whole(&done, image).await?;
    until_told(&turn, false).await?;
    turn.until_noted("drained", "no region").await?;
    turn.leave(&[first, second]).await
}

/// Waits until every scheduler's metric says whether `ot2` is drained.
async fn until_told(turn: &Turn, drained: bool) -> anyhow::Result<()> {
    let series = "image_replicator_scheduler_region_drained{region=\"ot2\"}";
    for scheduler in turn.schedulers() {
        let is_right = |value| (value > 0.5) == drained;
        turn.until_metric(scheduler, series, is_right).await?;
    }
    Ok(())
}
