//! A fire's time comes while no scheduler runs.

use std::time::Duration;

use anyhow::ensure;

use crate::stage::{action, advance_to, daily, expect_run, fire, jobs, leave, next_fire, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_late_fire_runs_once_within_an_hour_and_is_missed_after_it() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("late", 1).await?;
    let plans = turn.plans();
    let written = daily("late", &[action(&turn, ("image_id", &image.id), 1)]);
    let plan = plans.create(&written).await?;

    let due = next_fire(&plans.show(&plan).await?)?;
    turn.kill(&turn.schedulers()).await?;
    advance_to(turn.bed, &due, Duration::from_secs(50 * 60)).await?;
    turn.revive(&turn.schedulers()).await?;
    let late = plans.until_over(&plan, &due).await?;
    expect_run(&late, "success", &[])?;
    ensure!(jobs(&late).len() == 1, "{late}");
    let then = next_fire(&late)?;
    ensure!(then[..10] > due[..10] && then[10..] == due[10..], "{late}");

    turn.kill(&turn.schedulers()).await?;
    advance_to(turn.bed, &then, Duration::from_secs(70 * 60)).await?;
    turn.revive(&turn.schedulers()).await?;
    let missed = plans.until_over(&plan, &then).await?;
    expect_run(&missed, "missed", &["no scheduler ran when it was due"])?;
    ensure!(
        missed["status"] == "scheduled" && jobs(&missed).is_empty(),
        "{missed}"
    );
    ensure!(
        missed["started_at"] == late["started_at"] && missed["ended_at"] == late["ended_at"],
        "it did not run: {missed}"
    );

    let next = fire(&turn, &plan).await?;
    expect_run(&next, "success", &["unchanged"])?;
    leave(turn).await
}
