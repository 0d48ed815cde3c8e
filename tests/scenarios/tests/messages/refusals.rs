//! Tenants who ask for more than they may: 429, with a time to come back.

use anyhow::{Context, ensure};
use scenarios::{Answer, Copies};
use testbed::{Part, Region};

use crate::crowd;
use crate::turn::Turn;

const QUEUED: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_refused_by_name_until_a_job_has_ended() -> anyhow::Result<()> {
    let turn = Turn::take(0).await?;
    let limit = format!("[scheduler.limits]\nqueued_per_tenant = {QUEUED}");
    turn.configure(Part::Scheduler(1), &limit).await?;
    let (alice, image) = turn.alice_with_image("proj-ot1").await?;
    let copies = Copies::of(&alice);
    let tenant = turn.destination()?;
    let jobs = crowd::post(&copies, &image, &tenant, QUEUED).await?;

    let refused = copies.ask(&image, &tenant).await?;
    refused.expect_fault_naming(
        429,
        "Too Many Requests",
        &["copy jobs that are not finished", &QUEUED.to_string()],
    )?;
    ensure!(seconds_to_wait(&refused)? > 0, "{refused}");

    // Another tenant has a queue of its own.
    let (other, image_of_other) = turn.alice_with_image("proj-ot2").await?;
    let others = Copies::of(&other);
    let job_of_other = others.start(&image_of_other, &tenant).await?;

    crowd::cancel(&copies, &jobs[..1]).await?;
    let next = copies.start(&image, &tenant).await?;
    crowd::cancel(&copies, &[&jobs[1..], &[next]].concat()).await?;
    crowd::cancel(&others, &[job_of_other]).await?;
    // Whose messages are still there; somebody has to take them.
    turn.bed.scale_workers(Region::Ot2, 1).await?;
    turn.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_who_asks_too_often_is_told_when_to_come_back() -> anyhow::Result<()> {
    let turn = Turn::take(1).await?;
    let rate = "[gateway]\nrequests_per_second = 1\nrequest_burst = 4";
    turn.configure(Part::Gateway(Region::Ot1), rate).await?;
    let alice = turn.bed.cloud("alice", Region::Ot1).await?;
    let copies = Copies::of(&alice);
    let answers = futures::future::try_join_all((0..12).map(|_| copies.list(""))).await?;
    let refused: Vec<&Answer> = answers
        .iter()
        .filter(|answer| answer.status != 200)
        .collect();
    ensure!(
        !refused.is_empty() && refused.len() < answers.len(),
        "{refused:?}"
    );
    for answer in refused {
        answer.expect_fault_naming(429, "Too Many Requests", &["faster than it may"])?;
        ensure!(seconds_to_wait(answer)? > 0, "{answer}");
    }
    // Nobody else is slowed down.
    let other = turn.bed.cloud_in("alice", Region::Ot1, "proj-ot2").await?;
    Copies::of(&other).list("").await?.json(200)?;
    turn.finish().await
}

fn seconds_to_wait(answer: &Answer) -> anyhow::Result<u64> {
    let value = answer.header("retry-after");
    value.parse().with_context(|| format!("no time: {answer}"))
}
