//! The progress of an image that a copy job is filling, at the copy's destination.

use anyhow::{Context, ensure};
use scenarios::{Copies, Hold};
use testbed::{NewImage, Region};

use crate::bed;
use crate::compute::Compute;

#[tokio::test(flavor = "multi_thread")]
async fn a_half_made_copy_shows_how_far_its_job_is() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let carol = bed.cloud("carol", Region::Ot2).await?;
    let there = Compute::found_by(&carol).await?;
    let image = NewImage::named("half made", Hold::MEBIBYTES);
    let image = alice.make_image(&image).await?;
    let copies = Copies::of(&alice);
    // Whatever else is large and copied at this time waits for so long.
    let hold = Hold::on(bed)?;
    let job = copies.start(&image.id, &carol.project_id).await?;
    // From here on nothing moves but what is on its way.
    let copying = hold.until_held(&copies, &job).await?;
    let copy = copying["destination_image_id"].as_str().context("none")?;
    let percent = async || anyhow::Ok(copies.show(&job).await?["copy_progress"].as_u64());
    let before = percent().await?;
    let shown = there.image(copy).await?;
    let after = percent().await?;
    ensure!(shown["status"] == "SAVING", "{shown}");
    let progress = shown["progress"].as_u64();
    let is_the_jobs = before <= progress && progress <= after;
    ensure!(is_the_jobs, "{before:?} {after:?} {shown}");

    // Lists leave it out, as Glance's do, until it is whole.
    let list = there.get("/images/detail?status=SAVING").await?.json(200)?;
    let images = list["images"].as_array().context("no images")?;
    ensure!(images.iter().all(|image| image["id"] != copy), "{list}");

    // Whoever copies the property gets nothing for it.
    let forged = NewImage::named("forged", 0).with("replicated_by_job", job.as_str());
    let forged = carol.create_image(&forged.attributes).await?;
    let pretended = there.image(&forged).await?;
    ensure!(pretended["progress"] == 25, "{pretended}");
    carol.delete_image(&forged).await?;

    hold.release();
    let done = copies.until_replicated(&job).await?;
    ensure!(done["destination_image_id"] == copy, "{done}");
    let shown = there.image(copy).await?;
    ensure!(
        shown["progress"] == 100 && shown["status"] == "ACTIVE",
        "{shown}"
    );
    let whole = &shown["metadata"]["replicated_by_job"];
    ensure!(whole == job.as_str(), "{shown}");
    carol.delete_image(copy).await?;
    alice.delete_image(&image.id).await
}
