//! A plan on its schedule: it fires, stops, and fires again.

use anyhow::ensure;
use scenarios::Plans;
use serde_json::{Value, json};
use testbed::NewImage;

use crate::{action, alice_and_carol};

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_plan_fires_until_it_is_stopped_and_from_its_start_on() -> anyhow::Result<()> {
    let (_, alice, carol) = alice_and_carol().await?;
    let tagged = NewImage::named("scheduled", 1).with("tags", json!(["by-schedule"]));
    alice.make_image(&tagged).await?;
    let plans = Plans::of(&alice);
    let id = plans
        .create(&json!({
            "job_schedule": {"schedule_interval": "1 seconds"},
            "job_actions": [action("image_tag", "by-schedule", &carol.project_id)],
        }))
        .await?;
    let first = plans.until_run_again(&id, &Value::Null).await?;
    plans.until_run_again(&id, &first).await?;

    ensure!(plans.tell(&id, "stop").await? == "success");
    let stopped = plans
        .until(&id, "stopped", |plan| plan["status"] == "stop")
        .await?;
    ensure!(stopped["job_schedule"]["event"] == "stop", "{stopped}");
    ensure!(stopped["next_fire_at"].is_null(), "{stopped}");
    ensure!(plans.tell(&id, "stop").await? == "stop already requested");

    ensure!(plans.tell(&id, "start").await? == "success");
    let started = plans.until_run_again(&id, &stopped).await?;
    plans.until_run_again(&id, &started).await?;

    // An empty schedule is none.
    plans.change(&id, &json!({"job_schedule": {}})).await?;
    let off = plans
        .until(&id, "off its schedule", |plan| plan["status"] != "running")
        .await?;
    ensure!(off["next_fire_at"].is_null(), "{off}");
    Ok(())
}
