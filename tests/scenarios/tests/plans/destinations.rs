//! One fire to several destinations, in order.

use std::time::Duration;

use anyhow::{Context, ensure};
use scenarios::Replicas;
use testbed::{Region, eventually};

use crate::stage::{action, action_to, daily, expect_run, fire, jobs, leave, points, turn};

#[tokio::test(flavor = "multi_thread")]
async fn each_action_of_a_plan_copies_to_its_own_destination() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("for two", 1).await?;
    let own = turn.bed.cloud_in("alice", Region::Ot2, "proj-ot1").await?;
    let by_id = ("image_id", image.id.as_str());
    let actions = [
        action(&turn, by_id, 1),
        action_to(&own.project_id, by_id, 1),
    ];
    let plan = turn.plans().create(&daily("to two", &actions)).await?;
    let over = fire(&turn, &plan).await?;
    expect_run(&over, "success", &[])?;
    ensure!(jobs(&over).len() == 2 && points(&over).len() == 2, "{over}");
    for job in jobs(&over) {
        let job = turn.copies().show(&job).await?;
        let owner = [turn.there(), &own]
            .into_iter()
            .find(|owner| job["destination_tenant_id"] == owner.project_id.as_str());
        let owner = owner.with_context(|| format!("to nobody: {job}"))?;
        let replica = Replicas::of(turn.bed, owner)
            .expect_whole(&job, &image)
            .await?;
        owner.delete_image(&replica).await?;
    }
    let owners: Vec<&serde_json::Value> = (0..2)
        .map(|index| &over["recovery_points"][index]["tenant_id"])
        .collect();
    ensure!(owners[0] != owners[1], "{over}");

    // What its owners have deleted is copied anew.
    let again = fire(&turn, &plan).await?;
    expect_run(&again, "success", &[])?;
    ensure!(jobs(&again).len() == 2, "{again}");
    let newest = points(&again);
    let left = eventually(Duration::from_secs(60), "one replica each", || async {
        let shown = points(&turn.plans().show(&plan).await?);
        ensure!(shown.len() == 2, "{shown:?}");
        Ok(shown)
    });
    let left = left.await?;
    ensure!(left.iter().all(|point| newest.contains(point)), "{again}");
    for image in &left {
        own.delete_image(image).await.ok();
    }
    leave(turn).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_behind_a_mandatory_action_that_fails_is_left_out() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("behind", 1).await?;
    let mut first = action(&turn, ("image_name", "nowhere to be found"), 1);
    first["mandatory"] = true.into();
    let actions = [first, action(&turn, ("image_id", &image.id), 1)];
    let plan = turn.plans().create(&daily("in order", &actions)).await?;
    let over = fire(&turn, &plan).await?;
    let said = ["no active image named \"nowhere to be found\"", "left out"];
    expect_run(&over, "fail", &said)?;
    ensure!(jobs(&over).is_empty(), "{over}");
    leave(turn).await
}
