//! `"if_identical": "reuse"`: no copy is made where an identical one is.

use anyhow::{Context, ensure};
use scenarios::{Copies, Replicas};
use serde_json::{Value, json};
use testbed::{Cloud, MadeImage, NewImage, Region};

use crate::bed;

async fn copied(
    copies: &Copies<'_>,
    image: &MadeImage,
    tenant: &str,
    if_identical: &str,
) -> anyhow::Result<Value> {
    let body = json!({
        "image_id": image.id, "tenant_id_dst": tenant, "if_identical": if_identical,
    });
    let job = copies.post(&body).await?.accepted_job()?;
    copies.until_replicated(&job).await
}

fn image_of(document: &Value) -> anyhow::Result<&str> {
    let image = document["destination_image_id"].as_str();
    image.with_context(|| format!("no image: {document}"))
}

async fn replace(owner: &Cloud, image: &str, property: &str, value: &str) -> anyhow::Result<()> {
    let change = json!([{"op": "replace", "path": format!("/{property}"), "value": value}]);
    owner.patch_image(image, &change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identical_copy_stands_for_the_next_one_until_it_differs() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let owner = bed.cloud_in("alice", Region::Ot2, "proj-ot2").await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let (copies, replicas) = (Copies::of(&alice), Replicas::of(bed, &owner));
    let image = NewImage::named("wanted once", 2).with("os_distro", "debian");
    let image = alice.make_image(&image).await?;

    let first = copied(&copies, &image, &tenant, "reuse").await?;
    let replica = replicas.expect_whole(&first, &image).await?;
    ensure!(first["bytes_copied"] == image.size, "{first}");

    let reused = copied(&copies, &image, &tenant, "reuse").await?;
    ensure!(image_of(&reused)? == replica, "{reused}");
    ensure!(
        reused["copy_progress"] == 100 && reused["bytes_copied"] == 0,
        "{reused}"
    );
    let job = reused["job_id"].as_str().context("no id")?;
    ensure!(replicas.made_by(job).await?.is_empty(), "{reused}");
    replicas.expect_whole(&reused, &image).await?;

    let copy = copied(&copies, &image, &tenant, "copy").await?;
    let second = replicas.expect_whole(&copy, &image).await?;
    ensure!(second != replica, "a copy was asked for: {copy}");
    owner.delete_image(&second).await?;

    replace(&owner, &replica, "os_distro", "its owner's").await?;
    let differs = copied(&copies, &image, &tenant, "reuse").await?;
    let third = replicas.expect_whole(&differs, &image).await?;
    ensure!(third != replica, "it was changed: {differs}");
    for image in [&replica, &third] {
        owner.delete_image(image).await?;
    }
    let gone = copied(&copies, &image, &tenant, "reuse").await?;
    let fourth = replicas.expect_whole(&gone, &image).await?;
    owner.delete_image(&fourth).await?;
    alice.delete_image(&image.id).await
}

/// Nova hands the properties of a copy down to snapshots.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_says_that_it_is_a_copy_is_not_reused() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let owner = bed.cloud_in("alice", Region::Ot2, "proj-ot2").await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let (copies, replicas) = (Copies::of(&alice), Replicas::of(bed, &owner));
    let genuine = NewImage::named("genuine", 1);
    let image = alice.make_image(&genuine).await?;
    let first = copied(&copies, &image, &tenant, "copy").await?;
    let replica = replicas.expect_whole(&first, &image).await?;

    let shown = owner.image(&replica).await?.context("no replica")?;
    let mut twin = genuine;
    for property in [
        "replicated_by_job",
        "replicated_from_image",
        "replicated_from_region",
    ] {
        twin = twin.with(property, shown[property].clone());
    }
    let twin = twin.with("visibility", shown["visibility"].clone());
    let twin = owner.make_image(&twin).await?;
    ensure!(twin.sha512 == image.sha512, "the same bytes");
    owner.delete_image(&replica).await?;

    let again = copied(&copies, &image, &tenant, "reuse").await?;
    let fresh = replicas.expect_whole(&again, &image).await?;
    ensure!(fresh != twin.id, "{again}");
    for image in [&twin.id, &fresh] {
        owner.delete_image(image).await?;
    }
    alice.delete_image(&image.id).await
}
