//! Whoever is killed around a fire, there is one replica of it.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use scenarios::Turn;
use uuid::Uuid;

use crate::stage::{
    action, daily, expect_run, jobs, leave, let_fire, newest_image, points, turn, until_replicas,
};

/// When the parts of a round are killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The fire is due.
    Due,
    /// The plan says that it runs.
    Running,
    /// There is a copy job.
    Copying,
    /// The copy has ended.
    Copied,
}

async fn until(turn: &Turn, plan: &str, due: &str, moment: Moment) -> anyhow::Result<()> {
    if moment == Moment::Due {
        return Ok(());
    }
    let plans = turn.plans();
    let begun = plans.until(plan, "begun", |plan| {
        let run = &plan["last_run"];
        run["scheduled_for"] == due && (moment == Moment::Running || !jobs(plan).is_empty())
    });
    let begun = begun.await?;
    if moment == Moment::Copied {
        turn.copies().until_final(&jobs(&begun)[0]).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fire_is_one_replica_whoever_is_killed() -> anyhow::Result<()> {
    let turn = turn().await?;
    let hardy = action(&turn, ("image_name", "hardy"), 2);
    let plan = turn.plans().create(&daily("hardy", &[hardy])).await?;
    let mut made: Vec<String> = Vec::new();
    let (schedulers, workers) = (turn.schedulers(), turn.workers());
    let all = [schedulers.clone(), workers.clone()].concat();
    let first = vec![schedulers[0], workers[0]];
    let rounds = [
        (Moment::Due, &schedulers),
        (Moment::Due, &all),
        (Moment::Running, &first),
        (Moment::Running, &all),
        (Moment::Copying, &all),
        (Moment::Copied, &all),
    ];
    for (moment, victims) in rounds {
        let image = newest_image(turn.here(), "hardy").await?;
        let due = let_fire(&turn, &plan).await?;
        until(&turn, &plan, &due, moment).await?;
        turn.kill(victims).await?;
        turn.revive(victims).await?;
        let over = turn.plans().until_over(&plan, &due).await?;
        expect_run(&over, "success", &[])?;
        let copies = jobs(&over);
        ensure!(copies.len() == 1, "{moment:?}: {over}");
        let job = turn.copies().show(&copies[0]).await?;
        let replica = turn.replicas().expect_whole(&job, &image).await?;
        let of_job = turn.replicas().made_by(&copies[0]).await?;
        ensure!(of_job == [replica.as_str()], "{moment:?}: {of_job:?}");
        made.insert(0, replica);
        let kept: BTreeSet<String> = made.iter().take(2).cloned().collect();
        until_replicas(&turn, &kept).await?;
        let shown = points(&turn.plans().show(&plan).await?);
        ensure!(shown == made[..made.len().min(2)], "{moment:?}: {shown:?}");
    }
    // Nor is there a copy that the plan does not know of.
    let listed = turn.copies().list("").await?.json(200)?;
    let id = Uuid::try_parse(&plan)?.to_string();
    let all = listed.as_array().context("no list")?.iter();
    let of_plan = all.filter(|job| job["plan_id"] == id.as_str()).count();
    ensure!(of_plan == made.len(), "{of_plan} copies: {listed}");
    leave(turn).await
}
