//! What rotation spares: what the plan did not make, what its owner protects, and the last good replica.

use std::collections::BTreeSet;

use anyhow::ensure;
use scenarios::image_of_attempt;
use serde_json::{Value, json};
use testbed::NewImage;

use crate::stage::{
    action, daily, expect_run, fire, hold_a_run, jobs, leave, newest_image, points, turn,
    until_replicas,
};

#[tokio::test(flavor = "multi_thread")]
async fn forged_provenance_and_protected_replicas_survive() -> anyhow::Result<()> {
    let turn = turn().await?;
    let there = turn.there();
    let kept = action(&turn, ("image_name", "spared"), 1);
    let plan = turn.plans().create(&daily("spared", &[kept])).await?;

    newest_image(turn.here(), "spared").await?;
    let first = fire(&turn, &plan).await?;
    let old = points(&first).remove(0);
    let genuine = there.image(&old).await?.unwrap_or_default();
    let mut forged = NewImage::named("spared", 1);
    for (key, value) in genuine.as_object().into_iter().flatten() {
        if key.starts_with("replicated_") {
            forged = forged.with(key, value.clone());
        }
    }
    ensure!(
        forged.attributes.contains_key("replicated_by_job"),
        "{genuine}"
    );
    let forged = there.make_image(&forged).await?.id;
    let protect = |on: bool| json!([{"op": "replace", "path": "/protected", "value": on}]);
    there.patch_image(&old, &protect(true)).await?;

    newest_image(turn.here(), "spared").await?;
    let second = fire(&turn, &plan).await?;
    expect_run(&second, "success", &[])?;
    let newer = points(&second).remove(0);
    let plans = turn.plans();
    let said = plans.until(&plan, "said what stays", |plan| {
        plan["last_run"]["messages"].to_string().contains(&old)
    });
    expect_run(&said.await?, "success", &[&old, "protected"])?;
    let all: BTreeSet<String> = [&old, &newer, &forged].into_iter().cloned().collect();
    until_replicas(&turn, &all).await?;

    // Let go of, it goes at the next rotation, though nothing is copied.
    there.patch_image(&old, &protect(false)).await?;
    let third = fire(&turn, &plan).await?;
    expect_run(&third, "success", &["unchanged"])?;
    until_replicas(&turn, &[newer, forged].into()).await?;
    turn.replicas().expect_gone(&old).await?;
    leave(turn).await
}

/// The moment between a replica's end and the rotation is as long as no scheduler runs.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_good_replica_stays_when_its_owner_deleted_the_newer_one() -> anyhow::Result<()> {
    let turn = turn().await?;
    let there = turn.there();
    let plans = turn.plans();
    let small = turn.image("small", 1).await?;
    let by_id = |id: &str| action(&turn, ("image_id", id), 1);
    let plan = plans
        .create(&daily("last good", &[by_id(&small.id)]))
        .await?;
    let first = fire(&turn, &plan).await?;
    let good = points(&first).remove(0);

    // The same action of another image: one line of replicas.
    let mut edited = by_id(&turn.large_image().await?.id);
    edited["action_id"] = first["job_actions"][0]["action_id"].clone();
    let change = json!({"job_actions": [edited]});
    plans.patch(&plan, &change).await?.json(200)?;
    let (hold, job) = hold_a_run(&turn, &plan).await?;
    turn.kill(&turn.schedulers()).await?;
    hold.release();
    let newer = image_of_attempt(&job, 1)?;
    turn.until_revealed(&newer).await?;
    there.delete_image(&newer).await?;
    turn.revive(&turn.schedulers()).await?;

    let said = plans.until(&plan, "said what stays", |plan| {
        plan["last_run"]["messages"].to_string().contains(&good)
    });
    let said = said.await?;
    expect_run(
        &said,
        "success",
        &[&good, "none of the replicas that are to stay"],
    )?;
    ensure!(jobs(&said) == [job.as_str()], "{said}");
    until_replicas(&turn, &[good].into()).await?;
    leave(turn).await
}

/// What a plan has made and others were given as well is not the plan's to remove any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_others_were_given_is_not_rotated_away() -> anyhow::Result<()> {
    let turn = turn().await?;
    let plans = turn.plans();
    let kept = action(&turn, ("image_name", "given"), 1);
    let makes = plans
        .create(&daily("makes", std::slice::from_ref(&kept)))
        .await?;
    let image = newest_image(turn.here(), "given").await?;
    let made = points(&fire(&turn, &makes).await?).remove(0);

    // Given to a caller, and to another plan.
    let body = json!({
        "image_id": image.id, "tenant_id_dst": turn.tenant(), "if_identical": "reuse",
    });
    let job = turn.copies().post(&body).await?.accepted_job()?;
    let given = turn.copies().until_replicated(&job).await?;
    ensure!(given["destination_image_id"] == made.as_str(), "{given}");
    // At an hour of its own: a fire of the other one must not begin a run of this one.
    let mut takes = daily("takes", &[kept]);
    takes["job_schedule"]["schedule_hour"] = json!("4");
    let takes = plans.create(&takes).await?;
    ensure!(
        points(&fire(&turn, &takes).await?) == [made.as_str()],
        "taken"
    );

    // Both plans are done with it; the one that took it has never had a say.
    newest_image(turn.here(), "given").await?;
    for plan in [&makes, &takes] {
        let newer = points(&fire(&turn, plan).await?).remove(0);
        ensure!(newer != made, "{newer}");
    }
    let is_forgotten = |plan: &Value| !points(plan).contains(&made);
    plans
        .until(&takes, "done with what it took", is_forgotten)
        .await?;
    ensure!(turn.there().image(&made).await?.is_some(), "{made} is gone");
    leave(turn).await
}
