//! Two attempts of one job meet at the destination, and one image comes of it.

use anyhow::ensure;
use reqwest::Method;
use scenarios::image_of_attempt;
use serde_json::json;
use testbed::{Part, Region};

use crate::stage::{SOURCE, Stage, workers};

/// The moment before the create is met like this: the source's Glance is frozen, which a worker reads
/// before it creates; only one worker runs; as soon as the job is granted, that one is frozen too.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_freezes_before_its_create_makes_no_second_image() -> anyhow::Result<()> {
    let stage = Stage::enter().await?;
    let image = stage.image("one only", 4).await?;
    for worker in workers() {
        stage.bed.freeze(worker).await?;
    }
    let job = stage.start(&image).await?;
    stage.bed.freeze(SOURCE).await?;
    let sleeper = Part::Worker(Region::Ot2, 1);
    stage.bed.thaw(sleeper).await?;
    stage.until_attempt(&job, 1).await?;
    stage.bed.freeze(sleeper).await?;
    let first = image_of_attempt(&job, 1)?;
    stage.replicas().expect_gone(&first).await?;

    stage.bed.thaw(SOURCE).await?;
    for worker in workers().filter(|worker| *worker != sleeper) {
        stage.bed.thaw(worker).await?;
    }
    let document = stage.copies().until_replicated(&job).await?;
    ensure!(document["attempt"] == 2, "{document}");
    let replica = stage.replicas().expect_whole(&document, &image).await?;

    // The id is used up, so that even a create that was on its way would come to nothing.
    let create = stage.there().glance(Method::POST, "/v2/images");
    let create = create.json(&json!({"id": first, "name": "too late"}));
    let answer = create.send().await?;
    ensure!(answer.status() == 409, "{first} is free: {answer:?}");

    stage.bed.thaw(sleeper).await?;
    let words = ["another attempt has taken over", &job];
    stage.until_logged(sleeper, &words).await?;
    let made = stage.replicas().made_by(&job).await?;
    ensure!(made == [replica.as_str()], "{made:?}");
    stage.replicas().expect_gone(&first).await?;
    stage.leave(&[replica]).await
}

/// The moment between the upload's end and its report is as long as no scheduler runs.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_whose_worker_died_before_it_could_say_so_is_adopted() -> anyhow::Result<()> {
    let stage = Stage::enter().await?;
    let job = stage.hold_a_copy().await?;
    let worker = stage.worker_of(&job, 1)?;
    stage.kill_schedulers().await?;
    stage.bed.thaw(SOURCE).await?;
    let first = image_of_attempt(&job, 1)?;
    stage.until_active(&first).await?;
    stage.bed.kill(worker).await?;
    stage.start_schedulers().await?;

    let document = stage.copies().until_replicated(&job).await?;
    ensure!(document["attempt"] == 2, "{document}");
    let image = stage.large_image().await?;
    let replica = stage.replicas().expect_whole(&document, image).await?;
    ensure!(replica == first, "not adopted: {document}");
    // Bytes that came a second time would have come under another id: Glance fills an image once.
    let made = stage.replicas().made_by(&job).await?;
    ensure!(made == [first.as_str()], "{made:?}");
    let second = image_of_attempt(&job, 2)?;
    stage.replicas().expect_gone(&second).await?;
    stage.bed.start(worker).await?;
    stage.leave(&[replica]).await
}
