//! Redis has no room: what runs ends, and only new jobs are refused.

use anyhow::ensure;
use scenarios::{AdminPort, PATIENCE, Turn};
use testbed::eventually;

use crate::front::{Fault, Operation, When};
use crate::stage::{SCHEDULER, expect_copied, turn};

/// Jobs that were refused for want of room.
const REFUSED: &str = "image_replicator_scheduler_jobs_refused_total{reason=\"store_full\"}";

async fn set_most_memory(turn: &Turn, bytes: &str) -> anyhow::Result<()> {
    let mut redis = turn.bed.redis().await?;
    let mut set = redis::cmd("CONFIG");
    set.arg("SET").arg("maxmemory").arg(bytes);
    Ok(set.query_async(&mut redis).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_redis_refuses_new_jobs_and_nothing_else() -> anyhow::Result<()> {
    let (turn, fronts) = turn().await?;
    let small = turn.image("no room for its job", 1).await?;
    let held = turn.image("running meanwhile", 1).await?;
    let canceled = turn.image("canceled meanwhile", 1).await?;
    for image in [&held, &canceled] {
        let hold = When::doing(Operation::Show, &image.id, Fault::Hold);
        fronts.source.plan(hold);
    }
    let running = turn.start(&held).await?;
    let unwanted = turn.start(&canceled).await?;
    for job in [&running, &unwanted] {
        let begun = |document: &serde_json::Value| document["status"] == "replicating";
        turn.copies().until(job, "begun", begun).await?;
    }
    let refused_before = turn.metric(SCHEDULER, REFUSED).await?;
    // Less than it holds already.
    set_most_memory(&turn, "1").await?;

    let answer = turn.ask(&small).await?;
    let told = ["no room for new copy jobs", "nothing was created"];
    answer.expect_fault_naming(503, "Service Unavailable", &told)?;
    let wait: u64 = answer.header("retry-after").parse()?;
    ensure!(wait > 0, "{answer}");
    let refused = turn.metric(SCHEDULER, REFUSED).await? - refused_before;
    ensure!(refused > 0.0, "{refused} refusals are counted");
    turn.until_logged(SCHEDULER, &["the store is full", "maxmemory"])
        .await?;
    // A reason to take it out of its Service would be one to stop what runs.
    let admin = AdminPort::of(turn.bed, SCHEDULER)?;
    let (status, _, page) = admin.get("/readyz").await?;
    ensure!(status == 200, "{page}");

    // A cancel, a failure, another attempt and a success: all of them are written.
    turn.copies().cancel(&unwanted).await?.expect_no_content()?;
    let ended = turn.copies().until_final(&unwanted).await?;
    ensure!(ended["status"] == "canceled", "{ended}");
    fronts.source.forgive(&canceled.id);
    fronts.source.forgive(&held.id);
    let document = turn.copies().until_replicated(&running).await?;
    ensure!(document["attempt"] == 2, "{document}");
    let replica = turn.replicas().expect_whole(&document, &held).await?;
    let jobs = turn.copies().list("").await?.json(200)?;
    ensure!(
        jobs.as_array().is_some_and(|jobs| jobs.len() >= 2),
        "{jobs}"
    );

    set_most_memory(&turn, "0").await?;
    let accepted = eventually(PATIENCE, "room for a job", || async {
        expect_copied(&turn, &small).await
    })
    .await?;
    turn.leave(&[replica, accepted]).await
}
