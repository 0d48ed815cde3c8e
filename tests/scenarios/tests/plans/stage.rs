//! The test beds of this binary, the plans that its tests write, and how time passes for them.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use reqwest::Method;
use scenarios::{Hold, PATIENCE, Plans, Stage, Turn, quick_bed, strings};
use serde_json::{Value, json};
use testbed::{Cloud, MadeImage, NewImage, Region, TestBed, eventually};

/// How many workers copy into each region.
const WORKERS: u16 = 2;

/// Plans may fire every second, for tests that let time pass in the small.
const CONFIG: &str = "
[scheduler.limits]
shortest_plan_period = '1s'
";

static STAGE: Stage<2> = Stage::new();

/// This test's turn on the test bed, which has no plans and no replicas yet.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    let builder = quick_bed(WORKERS)
        .workers(Region::Ot1, WORKERS)
        .movable_plan_clock()
        .config(CONFIG);
    let turn = STAGE.turn(|| builder.start()).await?;
    forget_plans(&turn).await?;
    for replica in replicas(&turn).await? {
        turn.there().delete_image(&replica).await?;
    }
    Ok(turn)
}

/// The end of a test: its plans and replicas go, and nothing may be left of either.
pub(crate) async fn leave(turn: Turn) -> anyhow::Result<()> {
    forget_plans(&turn).await?;
    eventually(PATIENCE, "nothing kept of plans", || async {
        let mut kept = Vec::new();
        for pattern in ["*:plan:*", "*:plans:*", "*:plan-due", "*:plan-news"] {
            kept.extend(turn.bed.redis_keys(pattern).await?);
        }
        // A job that reuses an image holds it for as long as it is kept.
        let mut redis = turn.bed.redis().await?;
        for key in turn.bed.redis_keys("*:holders:*").await? {
            let mut holders = redis::cmd("SMEMBERS");
            let holders: Vec<String> = holders.arg(key).query_async(&mut redis).await?;
            kept.extend(holders.into_iter().filter(|it| !it.starts_with("job:")));
        }
        ensure!(kept.is_empty(), "{kept:?}");
        Ok(())
    })
    .await?;
    let replicas = Vec::from_iter(replicas(&turn).await?);
    turn.leave(&replicas).await
}

/// Deletes every plan of every project.
async fn forget_plans(turn: &Turn) -> anyhow::Result<()> {
    let admin = turn.bed.cloud("admin", Region::Ot1).await?;
    let plans = Plans::of(&admin);
    for plan in plans.list("?all_projects=true&limit=1000").await? {
        let id = plan["job_id"].as_str().context("no id")?;
        plans.delete(id).await?.expect_no_content()?;
    }
    Ok(())
}

/// The ids of all images that the project copied to owns: what plans made, unless a test makes others.
pub(crate) async fn replicas(turn: &Turn) -> anyhow::Result<BTreeSet<String>> {
    turn.replicas().owned().await
}

/// Waits until the project copied to owns just these images: what a rotation removes, it removes behind the run.
pub(crate) async fn until_replicas(turn: &Turn, wanted: &BTreeSet<String>) -> anyhow::Result<()> {
    eventually(PATIENCE, "the rotation's end", || async {
        let there = replicas(turn).await?;
        ensure!(there == *wanted, "{wanted:?} expected, not {there:?}");
        Ok(())
    })
    .await
}

/// The replicas that a plan says it keeps, the newest first.
pub(crate) fn points(plan: &Value) -> Vec<String> {
    let points = plan["recovery_points"].as_array().into_iter().flatten();
    points
        .filter_map(|point| point["image_id"].as_str().map(str::to_owned))
        .collect()
}

/// The jobs of a plan's last run.
pub(crate) fn jobs(plan: &Value) -> Vec<String> {
    strings(&plan["last_run"]["job_ids"])
}

/// Fails unless the last run ended so and said each of `parts`.
pub(crate) fn expect_run(plan: &Value, result: &str, parts: &[&str]) -> anyhow::Result<()> {
    let run = &plan["last_run"];
    let said = strings(&run["messages"]).join("\n");
    ensure!(
        run["result"] == result && parts.iter().all(|part| said.contains(part)),
        "{result} saying {parts:?} expected: {plan}"
    );
    Ok(())
}

/// An action that copies to the project copied to and keeps so many replicas.
pub(crate) fn action(turn: &Turn, selector: (&str, &str), keep: u32) -> Value {
    action_to(turn.tenant(), selector, keep)
}

/// An action that copies to a project in `ot2`.
pub(crate) fn action_to(tenant: &str, (by, value): (&str, &str), keep: u32) -> Value {
    json!({"freezer_action": {
        "action": "backup", "mode": "glance-image", by: value,
        "tenant_id_dst": tenant, "region_id_dst": "ot2", "recovery_points_rotation": keep,
    }})
}

/// A plan that fires every day at 03:15.
pub(crate) fn daily(name: &str, actions: &[Value]) -> Value {
    json!({
        "name": name, "job_actions": actions,
        "job_schedule": {"schedule_hour": "3", "schedule_minute": "15"},
    })
}

/// When a plan fires next, as it says.
pub(crate) fn next_fire(plan: &Value) -> anyhow::Result<String> {
    let next = plan["next_fire_at"].as_str();
    let next = next.with_context(|| format!("no next fire: {plan}"))?;
    Ok(next.to_owned())
}

/// Sets the clock of plans to a moment that a plan names, and `late` beyond it.
pub(crate) async fn advance_to(bed: &TestBed, moment: &str, late: Duration) -> anyhow::Result<()> {
    let moment: DateTime = moment.parse()?;
    let moment = moment.to_zoned(TimeZone::UTC)?.timestamp();
    let now = Timestamp::try_from(bed.plans_now()?)?;
    let step = Duration::try_from(moment.duration_since(now)).context("it has passed")?;
    bed.advance_plans(step + late).await
}

/// Lets a plan's next fire be due; gives when that is. Does not wait for it.
pub(crate) async fn let_fire(turn: &Turn, plan: &str) -> anyhow::Result<String> {
    let due = next_fire(&turn.plans().show(plan).await?)?;
    advance_to(turn.bed, &due, Duration::ZERO).await?;
    Ok(due)
}

/// Lets a plan fire, and waits until its run is over; gives the plan as it is then.
pub(crate) async fn fire(turn: &Turn, plan: &str) -> anyhow::Result<Value> {
    let due = let_fire(turn, plan).await?;
    turn.plans().until_over(plan, &due).await
}

/// Lets a day pass in which nothing is expected: ends when a fire that is due behind all others of the day is over.
pub(crate) async fn pass_a_day(turn: &Turn) -> anyhow::Result<()> {
    let mut last = daily(
        "the last of the day",
        &[action(turn, ("image_name", "none"), 1)],
    );
    last["job_schedule"]["schedule_minute"] = json!("16");
    let plan = turn.plans().create(&last).await?;
    let over = fire(turn, &plan).await?;
    expect_run(&over, "fail", &["no active image named"])?;
    turn.plans().delete(&plan).await?.expect_no_content()
}

/// Makes an image that is the newest of its name. Glance's times are whole seconds, so it may take one.
pub(crate) async fn newest_image(owner: &Cloud, name: &str) -> anyhow::Result<MadeImage> {
    eventually(PATIENCE, format!("a new image {name}"), || async {
        let made = owner.make_image(&NewImage::named(name, 1)).await?;
        let listed = owner.glance(Method::GET, &format!("/v2/images?name={name}"));
        let listed: Value = listed.send().await?.error_for_status()?.json().await?;
        let images = listed["images"].as_array().context("no list")?;
        let this = images.iter().find(|image| image["id"] == made.id.as_str());
        let born = this.context("not listed")?["created_at"].clone();
        let same = images.iter().filter(|image| image["created_at"] == born);
        if same.count() > 1 {
            owner.delete_image(&made.id).await?;
            anyhow::bail!("two are of {born}");
        }
        Ok(made)
    })
    .await
}

/// Tells a plan of the large image to start; its copy stands still in the middle until it is let go. Gives the job.
pub(crate) async fn hold_a_run(turn: &Turn, plan: &str) -> anyhow::Result<(Hold<'static>, String)> {
    let hold = Hold::on(turn.bed)?;
    let begun = turn.plans().tell(plan, "start").await?;
    ensure!(begun == "success", "{begun}");
    let running = turn
        .plans()
        .until(plan, "copying", |plan| !jobs(plan).is_empty())
        .await?;
    let job = jobs(&running).remove(0);
    hold.until_held(&turn.copies(), &job).await?;
    Ok((hold, job))
}
