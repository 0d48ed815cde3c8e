//! A plan from its first run to its end.

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::{Copies, Plans, Replicas};
use serde_json::{Value, json};
use testbed::NewImage;

use crate::{action, alice_and_carol};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_copies_shows_is_told_and_goes() -> anyhow::Result<()> {
    let (bed, alice, carol) = alice_and_carol().await?;
    let made = alice.make_image(&NewImage::named("planned", 2)).await?;
    let plans = Plans::of(&alice);
    let written = json!({
        "name": "once", "job_schedule": {},
        "job_actions": [action("image_id", &made.id, &carol.project_id)],
    });
    let id = plans.create(&written).await?;

    // Without a schedule it runs once, now.
    let ran = plans.until_run_again(&id, &Value::Null).await?;
    ensure!(ran["last_run"]["result"] == "success", "{ran}");
    ensure!(
        ran["status"] == "completed" && ran["ended_at"].is_string(),
        "{ran}"
    );
    let job = ran["last_run"]["job_ids"][0].as_str().context("no job")?;
    let job = Copies::of(&alice).show(job).await?;
    let plan_id = job["plan_id"].as_str().unwrap_or_default().replace('-', "");
    ensure!(plan_id == id, "{job} is not of plan {id}");
    let replicas = Replicas::of(bed, &carol);
    let replica = replicas.expect_whole(&job, &made).await?;
    let points = &ran["recovery_points"];
    ensure!(points[0]["image_id"] == replica.as_str(), "{points}");

    // Told to start, it finds the replica identical.
    ensure!(plans.tell(&id, "start").await? == "success");
    let again = plans.until_run_again(&id, &ran).await?;
    let run = &again["last_run"];
    ensure!(
        run["result"] == "success" && run["job_ids"] == json!([]),
        "{again}"
    );
    ensure!(again["recovery_points"] == *points, "{again}");

    // Changed in the one field, and all else stays.
    plans.change(&id, &json!({"name": "twice"})).await?;
    let changed = plans.show(&id).await?;
    ensure!(changed["name"] == "twice", "{changed}");
    ensure!(changed["job_actions"] == again["job_actions"], "{changed}");

    let path = format!("/{id}");
    for _ in 0..2 {
        let answer = plans.send(Method::DELETE, &path, &Value::Null).await?;
        answer.expect_no_content()?;
    }
    plans
        .send(Method::GET, &path, &Value::Null)
        .await?
        .json(404)?;
    ensure!(
        carol.image(&replica).await?.is_some(),
        "the replica is gone"
    );
    Ok(())
}
