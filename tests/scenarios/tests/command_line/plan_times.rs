//! When a plan's run begins and ends: at a time that is given, and when it is aborted.

use anyhow::ensure;
use jiff::{Timestamp, ToSpan};
use scenarios::{Hold, PATIENCE, Turn, strings};
use serde_json::Value;
use testbed::eventually;

use crate::stage::{document, printed, text, turn};

async fn plan_that(
    turn: &Turn,
    name: &str,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    eventually(PATIENCE, format!("a plan {what}"), || async {
        let plan = document(turn, "one", &["plan", "show", name]).await?;
        ensure!(holds(&plan), "{plan}");
        Ok(plan)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_fires_once_at_the_time_that_it_is_given() -> anyhow::Result<()> {
    let turn = turn().await?;
    turn.image("at a time", 1).await?;
    // What is a moment late fires all the same.
    let now = Timestamp::try_from(turn.bed.plans_now()?)?;
    let at = now.checked_add(3.seconds())?;
    let at = at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let create = ["plan", "create", "once", "--image-name", "at a time"];
    let create = [&create[..], &["--to", "proj-ot2", "--at", &at]].concat();
    let made = document(&turn, "one", &create).await?;
    ensure!(made["job_schedule"]["schedule_date"] == at, "{made}");

    let ran = plan_that(&turn, "once", "that ran", |plan| {
        plan["last_run"]["result"] == "success"
    })
    .await?;
    let due = text(&ran["last_run"], "scheduled_for")?;
    ensure!(due.starts_with(&at), "{ran}");
    ensure!(
        ran["status"] == "completed" && ran["next_fire_at"].is_null(),
        "{ran}"
    );
    printed(&turn, "one", &["plan", "delete", "once"]).await?;
    let replica = text(&ran["recovery_points"][0], "image_id")?;
    turn.leave(&[replica]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_aborted_cancels_its_copies() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.large_image().await?;
    let hold = Hold::on(turn.bed)?;
    let create = ["plan", "create", "now", "--image", &image.id];
    let create = [&create[..], &["--to", "proj-ot2"]].concat();
    printed(&turn, "one", &create).await?;
    let jobs = |plan: &Value| strings(&plan["last_run"]["job_ids"]);
    let running = plan_that(&turn, "now", "that copies", |plan| !jobs(plan).is_empty()).await?;
    let job = jobs(&running).remove(0);
    hold.until_held(&turn.copies(), &job).await?;

    printed(&turn, "one", &["plan", "stop", "now", "--abort"]).await?;
    hold.release();
    plan_that(&turn, "now", "that was aborted", |plan| {
        plan["last_run"]["result"] == "aborted"
    })
    .await?;
    let ended = turn.copies().until_final(&job).await?;
    ensure!(ended["status"] == "canceled", "{ended}");
    printed(&turn, "one", &["plan", "delete", "now"]).await?;
    turn.leave(&[]).await
}
