//! What of an image is metadata, and how it is read.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::{NewImage, Region};

use crate::bed;
use crate::compute::Compute;

#[tokio::test(flavor = "multi_thread")]
async fn custom_properties_are_metadata_and_two_of_them_are_decoded() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let compute = Compute::found_by(&alice).await?;
    let devices = json!([{"source_type": "volume", "boot_index": 0, "volume_id": null}]);
    let image = NewImage::named("with metadata", 0)
        .with("tags", json!(["lts"]))
        .with("architecture", "x86_64")
        .with("kernel_id", "2f7ff8c5-4e1d-4b6f-9d2e-1c4a1f0f7a11")
        .with("os_distro", "ubuntu")
        .with("colour", "red")
        .with("block_device_mapping", devices.to_string())
        .with("mappings", "not JSON");
    let id = alice.create_image(&image.attributes).await?;
    let expected = json!({
        "architecture": "x86_64", "kernel_id": "2f7ff8c5-4e1d-4b6f-9d2e-1c4a1f0f7a11",
        "os_distro": "ubuntu", "colour": "red", "block_device_mapping": devices,
        "mappings": "not JSON",
    });
    let path = format!("/images/{id}/metadata");
    let all = compute.get(&path).await?.json(200)?;
    ensure!(all == json!({ "metadata": expected }), "{all}");
    let shown = compute.image(&id).await?;
    ensure!(shown["metadata"] == expected, "{shown}");
    let one = compute.get(&format!("{path}/colour")).await?.json(200)?;
    ensure!(one == json!({"meta": {"colour": "red"}}), "{one}");
    let one = compute.get(&format!("{path}/block_device_mapping")).await?;
    ensure!(one.json(200)? == json!({"meta": {"block_device_mapping": devices}}));
    for absent in ["size", "tags", "owner", "status", "smell"] {
        let fault = compute.get(&format!("{path}/{absent}")).await?.json(404)?;
        ensure!(fault["itemNotFound"]["code"] == 404, "{absent}: {fault}");
    }
    alice.delete_image(&id).await
}

/// The gateway knows Glance's own attributes by heart: a Glance that has others shows here.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_metadata_is_what_glances_schema_calls_its_own() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let compute = Compute::found_by(&alice).await?;
    let schema = alice
        .glance(Method::GET, "/v2/schemas/image")
        .send()
        .await?;
    let schema: Value = schema.error_for_status()?.json().await?;
    let properties = schema["properties"].as_object().context("no properties")?;
    let (own, custom): (Vec<_>, Vec<_>) = properties
        .iter()
        .partition(|(_, property)| property["is_base"] != false);
    let own: BTreeSet<&str> = own.into_iter().map(|(name, _)| name.as_str()).collect();
    ensure!(own.contains("os_hash_value") && own.len() > 20, "{own:?}");

    let mut image = NewImage::named("with everything", 1);
    let an_id = "2f7ff8c5-4e1d-4b6f-9d2e-1c4a1f0f7a11";
    for (name, _) in &custom {
        image = image.with(name, an_id);
    }
    let made = alice.make_image(&image).await?;
    let at_glance = alice.image(&made.id).await?.context("gone")?;
    let at_glance = at_glance.as_object().context("no object")?;
    let expected: BTreeSet<&str> = at_glance
        .keys()
        .map(String::as_str)
        .filter(|name| !own.contains(name))
        .collect();
    let shown = compute.image(&made.id).await?;
    let metadata = shown["metadata"].as_object().context("no metadata")?;
    let metadata: BTreeSet<&str> = metadata.keys().map(String::as_str).collect();
    ensure!(metadata == expected, "{metadata:?} is not {expected:?}");
    ensure!(metadata.len() == custom.len(), "{metadata:?}");
    alice.delete_image(&made.id).await
}
