//! The ordinary `openstack` client against each region's front: Glance keeps working through it.

use anyhow::{Context, ensure};
use serde_json::Value;
use testbed::{ForeignClient, RandomBytes, Region};

use crate::bed;
use crate::run::{json_of, output_of, text_of};

/// More than a front holds in memory.
const SIZE: u64 = 8 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn images_are_created_listed_shown_saved_and_deleted_in_ot1() -> anyhow::Result<()> {
    life_of_an_image(Region::Ot1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_created_listed_shown_saved_and_deleted_in_ot2() -> anyhow::Result<()> {
    life_of_an_image(Region::Ot2).await
}

async fn life_of_an_image(region: Region) -> anyhow::Result<()> {
    let bed = bed().await?;
    let name = format!("by openstack in {region}");
    let bytes = || RandomBytes::new(71, SIZE);
    let directory = bed.directory();
    let (original, saved) = (
        directory.join(format!("{region}.original")),
        directory.join(format!("{region}.saved")),
    );
    std::fs::write(&original, bytes().collect::<Vec<_>>().concat())?;
    let image = |verb: &'static str| async move {
        let mut command = bed
            .client(ForeignClient::Openstackclient, "openstack", "alice", region)
            .await?;
        command.args(["image", verb]);
        anyhow::Ok(command)
    };

    let mut create = image("create").await?;
    create.args([
        "--disk-format",
        "raw",
        "--property",
        "os_distro=ubuntu",
        "-f",
        "json",
        "--file",
    ]);
    let created = json_of(create.arg(&original).arg(&name)).await?;
    let id = created["id"].as_str().context("no id")?;
    ensure!(created["name"] == name.as_str(), "{created}");

    let alice = bed.cloud("alice", region).await?;
    let document = alice.image(id).await?.context("not there")?;
    ensure!(document["status"] == "active", "{document}");
    ensure!(
        document["os_hash_value"] == bytes().sha512().as_str(),
        "{document}"
    );

    let listed = json_of(image("list").await?.args(["--name", &name, "-f", "json"])).await?;
    ensure!(
        listed[0]["ID"] == id && listed[1] == Value::Null,
        "{listed}"
    );
    ensure!(listed[0]["Status"] == "active", "{listed}");

    let shown = json_of(image("show").await?.args([&name, "-f", "json"])).await?;
    ensure!(shown["id"] == id, "{shown}");
    ensure!(shown["size"] == SIZE, "{shown}");
    ensure!(shown["properties"]["os_distro"] == "ubuntu", "{shown}");

    text_of(image("save").await?.arg("--file").arg(&saved).arg(id)).await?;
    ensure!(
        std::fs::read(&original)? == std::fs::read(&saved)?,
        "what was saved is not what was uploaded"
    );

    text_of(image("delete").await?.arg(id)).await?;
    ensure!(alice.image(id).await?.is_none(), "{id} is still there");
    let gone = output_of(image("show").await?.arg(id)).await?;
    ensure!(!gone.status.success(), "{gone:?}");
    Ok(())
}
