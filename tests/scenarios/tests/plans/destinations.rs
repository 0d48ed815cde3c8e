//! One fire to several destinations, in order.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use scenarios::Replicas;
use serde_json::Value;
use testbed::Region;

use crate::stage::{action, action_to, daily, expect_run, fire, jobs, leave, points, turn};

/// The newest replica that a plan keeps in a project.
fn newest_at(plan: &Value, project: &str) -> anyhow::Result<String> {
    let points = plan["recovery_points"].as_array().into_iter().flatten();
    let mut points = points.filter(|point| point["tenant_id"] == project);
    let newest = points.next().and_then(|point| point["image_id"].as_str());
    let newest = newest.with_context(|| format!("none in {project}: {plan}"))?;
    Ok(newest.to_owned())
}

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
    let first = newest_at(&over, turn.tenant())?;
    ensure!(first != newest_at(&over, &own.project_id)?, "{over}");

    // What its owners have deleted is copied anew.
    let again = fire(&turn, &plan).await?;
    expect_run(&again, "success", &[])?;
    ensure!(jobs(&again).len() == 2, "{again}");
    let at_own = newest_at(&again, &own.project_id)?;
    let newest = BTreeSet::from([newest_at(&again, turn.tenant())?, at_own.clone()]);
    let plans = turn.plans();
    let rotated = plans.until(&plan, "left with one replica each", |plan| {
        points(plan).into_iter().collect::<BTreeSet<_>>() == newest
    });
    rotated.await?;
    own.delete_image(&at_own).await?;
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
