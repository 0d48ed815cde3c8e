//! A plan is stopped, started, aborted, disabled; a fire that becomes due while another runs.

use anyhow::ensure;
use scenarios::{Plans, image_of_attempt};
use serde_json::{Value, json};

use crate::stage::{
    action, daily, expect_run, hold_a_run, jobs, leave, let_fire, next_fire, pass_a_day, replicas,
    turn,
};

async fn expect_told(
    plans: &Plans<'_>,
    plan: &str,
    event: &str,
    result: &str,
) -> anyhow::Result<()> {
    let told = plans.tell(plan, event).await?;
    ensure!(told == result, "{event}: {told}");
    Ok(())
}

async fn disable(plans: &Plans<'_>, plan: &str, disabled: bool) -> anyhow::Result<Value> {
    let change = json!({"disabled": disabled});
    plans.patch(plan, &change).await?.json(200)?;
    plans.show(plan).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_stopped_or_disabled_waits_until_it_is_told_otherwise() -> anyhow::Result<()>
{
    let turn = turn().await?;
    let image = turn.image("stop and go", 1).await?;
    let plans = turn.plans();
    let written = daily("stop and go", &[action(&turn, ("image_id", &image.id), 1)]);
    let plan = plans.create(&written).await?;

    expect_told(&plans, &plan, "stop", "success").await?;
    expect_told(&plans, &plan, "stop", "stop already requested").await?;
    let stopped = plans.show(&plan).await?;
    ensure!(
        stopped["status"] == "stop" && stopped["next_fire_at"].is_null(),
        "{stopped}"
    );
    pass_a_day(&turn).await?;
    ensure!(plans.show(&plan).await?["last_run"].is_null(), "it ran");

    expect_told(&plans, &plan, "start", "success").await?;
    let started = plans.until_result(&plan, "success").await?;
    ensure!(
        started["status"] == "scheduled" && jobs(&started).len() == 1,
        "{started}"
    );
    next_fire(&started)?;

    let off = disable(&plans, &plan, true).await?;
    ensure!(
        off["status"] == "stop" && off["next_fire_at"].is_null(),
        "{off}"
    );
    expect_told(&plans, &plan, "start", "job is disabled").await?;
    pass_a_day(&turn).await?;
    let still = plans.show(&plan).await?;
    ensure!(still["last_run"] == started["last_run"], "it ran: {still}");
    let on = disable(&plans, &plan, false).await?;
    ensure!(on["status"] == "scheduled", "{on}");
    ensure!(next_fire(&on)? > next_fire(&started)?, "{on}");
    leave(turn).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_fire_is_skipped_and_an_abort_cancels_what_runs() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.large_image().await?;
    let plans = turn.plans();
    let written = daily("held", &[action(&turn, ("image_id", &image.id), 1)]);
    let plan = plans.create(&written).await?;
    let (hold, job) = hold_a_run(&turn, &plan).await?;
    expect_told(&plans, &plan, "start", "start already requested").await?;
    let due = let_fire(&turn, &plan).await?;
    let skipped = plans.until(&plan, "said to skip a fire", |plan| {
        let said = plan["last_run"]["messages"].to_string();
        said.contains("skipped") && said.contains(&due[..19])
    });
    let skipped = skipped.await?;
    ensure!(skipped["status"] == "running", "{skipped}");
    ensure!(jobs(&skipped) == [job.as_str()], "two at once: {skipped}");

    expect_told(&plans, &plan, "abort", "success").await?;
    hold.release();
    let aborted = plans.until_result(&plan, "aborted").await?;
    ensure!(
        aborted["status"] == "stop" && aborted["next_fire_at"].is_null(),
        "{aborted}"
    );
    expect_run(&aborted, "aborted", &["skipped", "canceled"])?;
    expect_told(&plans, &plan, "abort", "abort already requested").await?;
    let canceled = turn.copies().until_final(&job).await?;
    ensure!(canceled["status"] == "canceled", "{canceled}");
    turn.replicas()
        .expect_gone(&image_of_attempt(&job, 1)?)
        .await?;
    ensure!(
        replicas(&turn).await?.is_empty(),
        "something is left of {aborted}"
    );
    leave(turn).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_under_way_ends_by_itself_when_its_plan_is_stopped() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.large_image().await?;
    let plans = turn.plans();
    let written = daily("ends", &[action(&turn, ("image_id", &image.id), 1)]);
    let plan = plans.create(&written).await?;
    let (hold, job) = hold_a_run(&turn, &plan).await?;
    expect_told(&plans, &plan, "stop", "success").await?;
    let running = plans.show(&plan).await?;
    ensure!(
        running["status"] == "running" && running["next_fire_at"].is_null(),
        "{running}"
    );
    hold.release();
    let over = plans.until_result(&plan, "success").await?;
    ensure!(over["status"] == "stop", "{over}");
    let job = turn.copies().show(&job).await?;
    turn.replicas().expect_whole(&job, image).await?;
    leave(turn).await
}
