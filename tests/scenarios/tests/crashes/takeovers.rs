//! Two attempts of one job meet at the destination, and one image comes of it.

use anyhow::ensure;
use reqwest::Method;
use scenarios::image_of_attempt;
use serde_json::json;

use crate::stage::{SOURCE, turn, until_attempt};

/// The moment before the create is met like this: the source's Glance is frozen, which a worker reads
/// before it creates; only one worker runs; as soon as the job is granted, that one is frozen too.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_freezes_before_its_create_makes_no_second_image() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("one only", 4).await?;
    turn.freeze(&turn.workers()).await?;
    let job = turn.start(&image).await?;
    turn.bed.freeze(SOURCE).await?;
    let sleeper = turn.workers()[0];
    turn.bed.thaw(sleeper).await?;
    until_attempt(&turn, &job, 1).await?;
    turn.bed.freeze(sleeper).await?;
    let first = image_of_attempt(&job, 1)?;
    turn.replicas().expect_gone(&first).await?;

    turn.bed.thaw(SOURCE).await?;
    turn.thaw(&turn.workers()[1..]).await?;
    let document = turn.copies().until_replicated(&job).await?;
    ensure!(document["attempt"] == 2, "{document}");
    let replica = turn.replicas().expect_whole(&document, &image).await?;

    // The id is used up, so that even a create that was on its way would come to nothing.
    let create = turn.there().glance(Method::POST, "/v2/images");
    let create = create.json(&json!({"id": first, "name": "too late"}));
    let answer = create.send().await?;
    ensure!(answer.status() == 409, "{first} is free: {answer:?}");

    turn.bed.thaw(sleeper).await?;
    let words = ["another attempt has taken over", &job];
    turn.until_logged(sleeper, &words).await?;
    let made = turn.replicas().made_by(&job).await?;
    ensure!(made == [replica.as_str()], "{made:?}");
    turn.replicas().expect_gone(&first).await?;
    turn.leave(&[replica]).await
}

/// The moment between the image's revelation and its report is as long as no scheduler runs.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_whose_worker_died_before_it_could_say_so_is_adopted() -> anyhow::Result<()> {
    let turn = turn().await?;
    let (hold, job) = turn.hold_a_copy().await?;
    let worker = turn.worker_of(&job, 1)?;
    turn.kill(&turn.schedulers()).await?;
    hold.release();
    let first = image_of_attempt(&job, 1)?;
    turn.until_revealed(&first).await?;
    turn.bed.kill(worker).await?;
    turn.revive(&turn.schedulers()).await?;

    let document = turn.copies().until_replicated(&job).await?;
    ensure!(document["attempt"] == 2, "{document}");
    let image = turn.large_image().await?;
    let replica = turn.replicas().expect_whole(&document, image).await?;
    ensure!(replica == first, "not adopted: {document}");
    // Bytes that came a second time would have come under another id: Glance fills an image once.
    let made = turn.replicas().made_by(&job).await?;
    ensure!(made == [first.as_str()], "{made:?}");
    let second = image_of_attempt(&job, 2)?;
    turn.replicas().expect_gone(&second).await?;
    turn.bed.start(worker).await?;
    turn.leave(&[replica]).await
}
