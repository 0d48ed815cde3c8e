//! openstacksdk 4 and the image details: it takes them for Nova's images, found through the catalog's compute entry.

use anyhow::{Context, ensure};
use serde_json::Value;
use testbed::{Cloud, ForeignClient, NewImage, Region};
use tokio::process::Command;

use crate::bed;
use crate::catalog::endpoint;
use crate::run::{json_of, script, text_of};

/// One of the scripts, run as alice in `ot1`.
async fn python(name: &str) -> anyhow::Result<Command> {
    let bed = bed().await?;
    let client = ForeignClient::Openstacksdk;
    let mut command = bed.client(client, "python", "alice", Region::Ot1).await?;
    command.arg(script("openstacksdk").join(name));
    Ok(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_got_by_id_found_by_name_and_listed() -> anyhow::Result<()> {
    let alice = bed().await?.cloud("alice", Region::Ot1).await?;
    let wanted = NewImage::named("for openstacksdk", 1)
        .with("min_disk", 3)
        .with("min_ram", 512)
        .with("architecture", "x86_64");
    let image = alice.make_image(&wanted).await?;
    let other = NewImage::named("of the same size", 1).with("min_disk", 3);
    let other = alice.make_image(&other).await?;

    let mut images = python("images.py").await?;
    let printed = json_of(images.args([&image.id, "for openstacksdk", &other.id])).await?;

    let glance = alice.image(&image.id).await?.context("not there")?;
    let document = details(&alice, &image.id).await?;
    ensure!(document["name"] == glance["name"], "{document}");
    ensure!(document["created"] == glance["created_at"], "{document}");
    for (attribute, expected) in [
        ("id", &document["id"]),
        ("name", &document["name"]),
        ("status", &document["status"]),
        ("progress", &document["progress"]),
        ("created_at", &document["created"]),
        ("updated_at", &document["updated"]),
        ("size", &document["OS-EXT-IMG-SIZE:size"]),
        ("min_disk", &glance["min_disk"]),
        ("min_ram", &glance["min_ram"]),
        ("links", &document["links"]),
        ("metadata", &document["metadata"]),
    ] {
        ensure!(
            &printed[attribute] == expected,
            "{attribute}: {printed}\n{document}"
        );
    }
    ensure!(printed["status"] == "ACTIVE", "{printed}");
    ensure!(printed["size"] == image.size, "{printed}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_an_exception_or_nothing() -> anyhow::Result<()> {
    text_of(&mut python("missing.py").await?).await?;
    Ok(())
}

/// What the API says of an image.
async fn details(cloud: &Cloud, image: &str) -> anyhow::Result<Value> {
    let compute = endpoint(cloud, "compute").await?;
    let answer: Value = testbed::http_client()?
        .get(format!("{compute}/images/{image}"))
        .header("x-auth-token", &cloud.token)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    Ok(answer["image"].clone())
}
