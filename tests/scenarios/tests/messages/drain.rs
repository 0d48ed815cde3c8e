//! SIGTERM: not ready first, then what is under way is finished, then the end with code 0.

use anyhow::ensure;
use scenarios::Copies;
use serde_json::Value;
use testbed::{Part, Region};

use crate::held_call::HeldCall;
use crate::own_service::OwnService;
use crate::turn::Turn;

const SOURCE: Part = Part::Glance(Region::Ot1);
/// Counts requests that have arrived.
const TOKENS: &str = "image_replicator_gateway_token_lookups_total";
const WORKER: Part = Part::Worker(Region::Ot2, 1);
const DESTINATION: Part = Part::Glance(Region::Ot2);

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_answers_what_it_was_asked_before_it_ends() -> anyhow::Result<()> {
    let turn = Turn::take(1).await?;
    let (alice, image) = turn.alice_with_image("proj-ot1").await?;
    let tenant = turn.destination()?;
    let copies = Copies::of(&alice);
    let gateway = OwnService::replace(turn.bed, Part::Gateway(Region::Ot1)).await?;
    // The token is known from now on, so that the next request gets as far as Glance.
    copies.list("").await?.json(200)?;
    let known = gateway.count(TOKENS).await?;
    turn.bed.freeze(SOURCE).await?;
    let post = async { copies.start(&image, &tenant).await };
    let drain = async {
        gateway.until_counted(TOKENS, known + 1.0).await?;
        gateway.begin_drain().await?;
        turn.bed.thaw(SOURCE).await
    };
    let (job, ()) = tokio::try_join!(post, drain)?;
    gateway.end(turn.bed).await?;
    copies.until_replicated(&job).await?;
    turn.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_finishes_its_copy_before_it_ends() -> anyhow::Result<()> {
    let turn = Turn::take(1).await?;
    let (alice, image) = turn.alice_with_image("proj-ot1").await?;
    let copies = Copies::of(&alice);
    let worker = OwnService::replace(turn.bed, WORKER).await?;
    worker.signal("STOP").await?;
    let job = copies.start(&image, &turn.destination()?).await?;
    turn.bed.freeze(DESTINATION).await?;
    worker.signal("CONT").await?;
    until_begun(&copies, &job).await?;
    worker.begin_drain().await?;
    turn.bed.thaw(DESTINATION).await?;
    worker.end(turn.bed).await?;
    let document = copies.until_replicated(&job).await?;
    ensure!(document["attempt"] == 1, "{document}");
    turn.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_ends_its_streams_and_the_copies_go_on() -> anyhow::Result<()> {
    let turn = Turn::take(1).await?;
    let (alice, image) = turn.alice_with_image("proj-ot1").await?;
    let copies = Copies::of(&alice);
    let scheduler = OwnService::replace(turn.bed, Part::Scheduler(1)).await?;
    turn.bed.freeze(WORKER).await?;
    let job = copies.start(&image, &turn.destination()?).await?;
    turn.bed.freeze(DESTINATION).await?;
    turn.bed.thaw(WORKER).await?;
    until_begun(&copies, &job).await?;
    let held = HeldCall::begin(turn.bed).await?;
    scheduler.begin_drain().await?;
    drop(held);
    scheduler.end(turn.bed).await?;
    turn.bed.thaw(DESTINATION).await?;
    let document = copies.until_replicated(&job).await?;
    ensure!(document["attempt"] == 1, "{document}");
    turn.finish().await
}

/// Waits until a worker has the job, which cannot end while its destination is frozen.
async fn until_begun(copies: &Copies<'_>, job: &str) -> anyhow::Result<()> {
    let replicating = |document: &Value| document["status"] == "replicating";
    copies
        .until(job, "replicating", replicating)
        .await
        .map(drop)
}
