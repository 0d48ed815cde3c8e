//! eclsdk 1.11.1, for which the image copy API was made: its four operations and what it makes of their errors.

use anyhow::{Context, ensure};
use scenarios::Copies;
use serde_json::{Value, json};
use testbed::{ForeignClient, NewImage, Region};
use tokio::process::Command;

use crate::bed;
use crate::run::{json_of, script, text_of};

/// One of the scripts, run as a user in a region.
async fn python(name: &str, user: &str, region: Region) -> anyhow::Result<Command> {
    let bed = bed().await?;
    let mut command = bed
        .client(ForeignClient::Eclsdk, "python", user, region)
        .await?;
    command.arg(script("eclsdk").join(name));
    Ok(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_asked_for_shown_until_it_is_there_and_listed() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = alice.make_image(&NewImage::named("for eclsdk", 2)).await?;

    let mut copy = python("copy_image.py", "alice", Region::Ot1).await?;
    let printed = json_of(copy.args([&image.id, &tenant])).await?;

    let job = printed["job_id"].as_str().context("no job id")?;
    let document = Copies::of(&alice).show(job).await?;
    ensure!(document["status"] == "replicated", "{document}");
    ensure!(
        document["source_image_id"] == image.id.as_str(),
        "{document}"
    );
    ensure!(
        document["destination_tenant_id"] == tenant.as_str(),
        "{document}"
    );
    ensure!(
        document["destination_image_id"] == printed["destination_image_id"],
        "{printed} is not {document}"
    );
    let replica = document["destination_image_id"]
        .as_str()
        .context("no image")?;
    let owner = bed.cloud("alice", Region::Ot2).await?;
    let shown = owner
        .image(replica)
        .await?
        .context("the replica is not there")?;
    ensure!(shown["status"] == "active", "{shown}");
    ensure!(shown["owner"] == tenant.as_str(), "{shown}");
    ensure!(owner.sha512_of(replica).await? == image.sha512, "{shown}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_canceled() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot2).await?;
    let tenant = bed.project_id(Region::Ot1, "proj-ot1")?;
    let image = alice
        .make_image(&NewImage::named("never copied", 1))
        .await?;

    let mut cancel = python("cancel_copy.py", "alice", Region::Ot2).await?;
    let printed = json_of(cancel.args([&image.id, &tenant])).await?;

    let job = printed["job_id"].as_str().context("no job id")?;
    let document = Copies::of(&alice).show(job).await?;
    ensure!(document["status"] == "canceled", "{document}");
    ensure!(
        document["destination_image_id"] == Value::Null,
        "{document}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_exceptions_with_the_status_and_the_reason() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = alice.make_image(&NewImage::named("refused", 1)).await?;
    let attributes = json!({"name": "no data", "disk_format": "raw", "container_format": "bare"});
    let attributes = attributes.as_object().context("an object")?;
    let queued = alice.create_image(attributes).await?;
    let copies = Copies::of(&alice);
    let over = copies.start(&image.id, &tenant).await?;
    copies.until_replicated(&over).await?;

    // Bob has no role in the destination.
    let mut errors = python("refusals.py", "bob", Region::Ot1).await?;
    text_of(errors.args([&image.id, &queued, &tenant, &over])).await?;

    // No call of the script has made a job.
    let jobs = copies.list("").await?.json(200)?;
    let jobs = jobs.as_array().context("a list")?;
    let made = jobs.iter().filter(|job| {
        job["source_image_id"] == image.id.as_str() || job["source_image_id"] == queued.as_str()
    });
    ensure!(made.count() == 1, "{jobs:?}");
    Ok(())
}
