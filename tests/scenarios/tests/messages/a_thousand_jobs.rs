//! A thousand jobs of one tenant: first nobody takes them, then two at a time may run.

use std::time::Duration;

use anyhow::{Context, ensure};
use redis::AsyncCommands;
use scenarios::Copies;
use testbed::{Part, Region, TestBed, eventually, say, timed};

use crate::crowd;
use crate::depth_watch::DepthWatch;
use crate::running_watch::RunningWatch;
use crate::turn::Turn;

const QUEUE: &str = "copy.ot2";
const JOBS: usize = 1000;
/// As many of them are copied in the end; the others are canceled.
const COPIED: usize = 200;
const TENANT_LIMIT: usize = 2;
const TICKET_PERIODS: usize = 10;
/// Jobs of a tenant who comes late.
const OTHERS: usize = 5;

/// How long the scheduler may take to notice what it looks for ten times a second.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_jobs_never_make_more_messages_and_then_run_within_their_limit()
-> anyhow::Result<()> {
    let turn = Turn::take(0).await?;
    let bed = turn.bed;
    let (alice, image) = turn.alice_with_image("proj-ot1").await?;
    let copies = Copies::of(&alice);
    let tenant = turn.destination()?;

    let depth = DepthWatch::start(bed, QUEUE).await?;
    let posting = crowd::post(&copies, &image, &tenant, JOBS);
    let mut jobs = timed("posting a thousand jobs", posting).await?;
    wait_for_tickets(bed, &alice.project_id, TICKET_PERIODS).await?;
    let purged = bed.purge(QUEUE).await?;
    ensure!(purged > 0, "nobody was woken");
    refilled(bed).await?;
    wait_for_tickets(bed, &alice.project_id, 2).await?;
    let most = depth.most()?;
    ensure!(most as usize <= JOBS, "{most} messages for {JOBS} jobs");

    crowd::cancel(&copies, &jobs.split_off(COPIED)).await?;
    two_at_a_time(&turn, &copies, &jobs).await?;
    turn.finish().await
}

/// Who has 200 jobs keeps exactly two running to the end, and nobody else waits for that.
async fn two_at_a_time(turn: &Turn, copies: &Copies<'_>, jobs: &[String]) -> anyhow::Result<()> {
    let bed = turn.bed;
    let limit = format!("[scheduler.limits]\ncopies_per_tenant = {TENANT_LIMIT}");
    turn.configure(Part::Scheduler(1), &limit).await?;
    let (other, image) = turn.alice_with_image("proj-ot2").await?;
    let other_copies = Copies::of(&other);
    let tenant = turn.destination()?;
    let others = crowd::post(&other_copies, &image, &tenant, OTHERS).await?;

    let first = copies.show(&jobs[0]).await?;
    let owner = first["source_tenant_id"].as_str().context("no tenant")?;
    let running = RunningWatch::start(bed, owner, TENANT_LIMIT).await?;
    bed.scale_workers(Region::Ot2, 3).await?;
    crowd::until_replicated(&other_copies, &others).await?;
    let open = still_open(copies, jobs).await?;
    ensure!(
        open >= COPIED / 2,
        "only {open} were left for the latecomer"
    );
    // Half-way, every wake-up is lost.
    bed.purge(QUEUE).await?;
    timed(
        "the rest of 200 copies",
        crowd::until_replicated(copies, jobs),
    )
    .await?;

    let seen = running.seen()?;
    say(format_args!("{seen:?}"));
    ensure!(seen.most == TENANT_LIMIT, "{seen:?}");
    ensure!(seen.full * 4 >= seen.looks * 3, "slots idle: {seen:?}");
    Ok(())
}

/// Sees the tenant's ticket move ahead, again and again.
async fn wait_for_tickets(bed: &TestBed, tenant: &str, periods: usize) -> anyhow::Result<()> {
    let redis = bed.redis().await?;
    let lane = format!("ot1|{tenant}");
    let mut last: Option<i64> = None;
    for period in 0..=periods {
        let what = format!("ticket {period} of {periods}");
        let next = eventually(PATIENCE, what, || {
            let (mut redis, lane) = (redis.clone(), lane.clone());
            async move {
                let due: Option<i64> = redis.zscore("image-replicator:tickets:ot2", lane).await?;
                ensure!(due.is_some() && due != last, "the ticket is {due:?}");
                Ok(due)
            }
        });
        last = next.await?;
    }
    Ok(())
}

/// A lost wake-up comes again.
async fn refilled(bed: &TestBed) -> anyhow::Result<()> {
    eventually(PATIENCE, "messages after a purge", || async {
        let depth = bed.messages(QUEUE).await?;
        ensure!(depth > Some(0), "the queue holds {depth:?}");
        Ok(())
    })
    .await
}

async fn still_open(copies: &Copies<'_>, jobs: &[String]) -> anyhow::Result<usize> {
    let documents = crowd::documents(copies, jobs).await?;
    let open = documents
        .values()
        .filter(|document| !scenarios::is_final(document));
    Ok(open.count())
}
