//! Cancels: before, during and after a copy, by those who may and by those who may not.

mod races;

use anyhow::{Context, ensure};
use scenarios::{Copies, Hold};
use testbed::{NewImage, Region, TestBed};

use crate::bed;
use crate::waiting::{start_waiting, tiny_image};

const TOO_LATE: &str = "The copy job can't be canceled any more: only jobs that are \
                        replicate_requested or replicating can.";
const NO_SUCH_JOB: &str = "There is no such copy job.";

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_is_canceled_at_once_and_stays_readable() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot1, "proj-ot2")?;
    let image = tiny_image(&alice, "never copied").await?;
    let copies = Copies::of(&alice);
    let job = start_waiting(&copies, &image.id, &tenant).await?;
    let waiting = copies.show(&job).await?;
    ensure!(waiting["status"] == "replicate_requested", "{waiting}");

    // Another project learns nothing of the job and changes nothing, though the copy goes to it.
    let carol = bed.cloud("carol", Region::Ot1).await?;
    let others = Copies::of(&carol);
    for refused in [others.cancel(&job).await?, others.get(&job).await?] {
        refused.expect_fault(404, "Not Found", NO_SUCH_JOB)?;
    }
    let untouched = copies.show(&job).await?;
    ensure!(untouched == waiting, "{untouched}");

    copies.cancel(&job).await?.expect_no_content()?;
    let canceled = copies.show(&job).await?;
    ensure!(canceled["status"] == "canceled", "{canceled}");
    ensure!(canceled["destination_image_id"].is_null(), "{canceled}");
    ensure!(canceled["finished_at"].is_string(), "{canceled}");
    let again = copies.cancel(&job).await?;
    again.expect_fault(409, "Conflict", TOO_LATE)?;
    let still = copies.show(&job).await?;
    ensure!(still == canceled, "{still}");
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_cancels_another_projects_job() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot1, "proj-ot2")?;
    let image = tiny_image(&alice, "stopped by an administrator").await?;
    let copies = Copies::of(&alice);
    let job = start_waiting(&copies, &image.id, &tenant).await?;

    let admin = bed.cloud("admin", Region::Ot1).await?;
    let seen = Copies::of(&admin).show(&job).await?;
    ensure!(
        seen["source_tenant_id"] == alice.project_id.as_str(),
        "{seen}"
    );
    let answer = Copies::of(&admin).cancel(&job).await?;
    answer.expect_no_content()?;
    let canceled = copies.show(&job).await?;
    ensure!(canceled["status"] == "canceled", "{canceled}");
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_stopped_midway_leaves_nothing_at_the_destination() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = NewImage::named("stopped", Hold::MEBIBYTES);
    let image = alice.make_image(&image).await?;
    let copies = Copies::of(&alice);
    // Whatever else is large and copied at this time waits for so long.
    let hold = Hold::on(bed)?;
    let job = copies.start(&image.id, &tenant).await?;
    let copying = hold.until_held(&copies, &job).await?;
    let half_made = copying["destination_image_id"]
        .as_str()
        .with_context(|| format!("bytes move into no image: {copying}"))?;
    ensure!(is_at_destination(bed, half_made).await?, "{copying}");

    let mut stream = copies.events(&format!("/{job}/events")).await?;
    copies.cancel(&job).await?.expect_no_content()?;
    let twice = copies.cancel(&job).await?;
    twice.expect_fault(409, "Conflict", TOO_LATE)?;
    let over = copies.until_final(&job).await?;
    hold.release();
    ensure!(over["status"] == "canceled", "{over}");
    ensure!(over["destination_image_id"].is_null(), "{over}");
    ensure!(
        !is_at_destination(bed, half_made).await?,
        "image {half_made} is left behind by {over}"
    );
    let mut told = stream.next_document().await?;
    while let Some(event) = stream.next().await? {
        told = serde_json::from_str(&event.data)?;
    }
    ensure!(told == over, "{told}");
    let after_the_end = copies.cancel(&job).await?;
    after_the_end.expect_fault(409, "Conflict", TOO_LATE)?;
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_after_the_end_changes_nothing() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = alice.make_image(&NewImage::named("copied", 1)).await?;
    let copies = Copies::of(&alice);
    let job = copies.start(&image.id, &tenant).await?;
    let replicated = copies.until_replicated(&job).await?;

    let late = copies.cancel(&job).await?;
    late.expect_fault(409, "Conflict", TOO_LATE)?;
    let still = copies.show(&job).await?;
    ensure!(still == replicated, "{still}");
    let copy = replicated["destination_image_id"]
        .as_str()
        .context("none")?;
    let owner = bed.cloud("carol", Region::Ot2).await?;
    ensure!(owner.sha512_of(copy).await? == image.sha512, "{replicated}");
    owner.delete_image(copy).await?;
    alice.delete_image(&image.id).await
}

/// Whether anything of the image is in `ot2`: known to Glance, or bytes in its store.
async fn is_at_destination(bed: &TestBed, image: &str) -> anyhow::Result<bool> {
    let admin = bed.cloud("admin", Region::Ot2).await?;
    let known = admin.image(image).await?.is_some();
    let files = bed.store_files(Region::Ot2)?;
    Ok(known || files.iter().any(|file| file.image_id() == image))
}
