//! A plan without a schedule runs once, now; a schedule that is taken away fires no more.

use anyhow::ensure;
use serde_json::json;

use crate::stage::{action, daily, expect_run, jobs, leave, next_fire, turn};

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_schedule_means_once_and_now() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("just once", 1).await?;
    let plans = turn.plans();
    let once = json!({
        "name": "once", "job_schedule": {},
        "job_actions": [action(&turn, ("image_id", &image.id), 1)],
    });
    let plan = plans.create(&once).await?;
    let over = plans.until_result(&plan, "success").await?;
    ensure!(over["status"] == "completed", "{over}");
    ensure!(over["next_fire_at"].is_null(), "{over}");
    ensure!(jobs(&over).len() == 1, "{over}");
    let job = turn.copies().show(&jobs(&over)[0]).await?;
    turn.replicas().expect_whole(&job, &image).await?;

    // Told to start, it runs once more.
    ensure!(plans.tell(&plan, "start").await? == "success", "no start");
    let again = plans.until_run_again(&plan, &over).await?;
    expect_run(&again, "success", &["unchanged"])?;
    ensure!(again["status"] == "completed", "{again}");

    // Changed in one field, all else stays.
    let renamed = plans.patch(&plan, &json!({"name": "twice"})).await?;
    renamed.json(200)?;
    let renamed = plans.show(&plan).await?;
    ensure!(renamed["name"] == "twice", "{renamed}");
    for key in ["job_actions", "last_run", "recovery_points", "status"] {
        ensure!(renamed[key] == again[key], "{key} has changed: {renamed}");
    }

    // What it made is its owner's.
    plans.delete(&plan).await?.expect_no_content()?;
    turn.replicas().expect_whole(&job, &image).await?;
    leave(turn).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_is_emptied_is_off() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("never", 1).await?;
    let plans = turn.plans();
    let written = daily("never", &[action(&turn, ("image_id", &image.id), 1)]);
    let plan = plans.create(&written).await?;
    next_fire(&plans.show(&plan).await?)?;
    let changed = plans.patch(&plan, &json!({"job_schedule": {}})).await?;
    let changed = changed.json(200)?;
    ensure!(
        changed["job_id"] == plan.as_str() && changed["version"].is_u64(),
        "{changed}"
    );
    let off = plans.show(&plan).await?;
    ensure!(
        off["status"] == "completed" && off["next_fire_at"].is_null(),
        "{off}"
    );
    ensure!(off["last_run"].is_null() && off["name"] == "never", "{off}");
    leave(turn).await
}
