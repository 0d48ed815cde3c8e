//! A plan of an interval, in true time: it fires again and again, stops, and fires from its start on.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::stage::{action, jobs, leave, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_an_interval_fires_until_it_is_stopped_and_from_its_start_on()
-> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("every second", 1).await?;
    let plans = turn.plans();
    let written = json!({
        "job_schedule": {"schedule_interval": "1 seconds"},
        "job_actions": [action(&turn, ("image_id", &image.id), 1)],
    });
    let plan = plans.create(&written).await?;
    let first = plans.until_run_again(&plan, &Value::Null).await?;
    let again = plans.until_run_again(&plan, &first).await?;
    ensure!(jobs(&again).is_empty(), "copied again: {again}");

    ensure!(plans.tell(&plan, "stop").await? == "success");
    let stopped = plans.until(&plan, "stopped", |plan| plan["status"] == "stop");
    let stopped = stopped.await?;
    ensure!(stopped["job_schedule"]["event"] == "stop", "{stopped}");
    ensure!(stopped["next_fire_at"].is_null(), "{stopped}");

    ensure!(plans.tell(&plan, "start").await? == "success");
    let started = plans.until_run_again(&plan, &stopped).await?;
    plans.until_run_again(&plan, &started).await?;
    leave(turn).await
}
