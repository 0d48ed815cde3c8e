//! Copies from POST to `replicated`: what arrives, what the job says meanwhile, and when the new
//! owner is shown the image.

mod document;
mod visibility;

use anyhow::ensure;
use scenarios::Copies;
use serde_json::json;
use testbed::{NewImage, Region};

use crate::bed;
use crate::delivered::delivered;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_its_source_for_another_tenant() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let carol = bed.cloud("carol", Region::Ot2).await?;
    let image = NewImage::named("a golden image", 4)
        .with("disk_format", "qcow2")
        .with("container_format", "ovf")
        .with("min_disk", 7)
        .with("min_ram", 512)
        .with("tags", json!(["golden", "nightly", "größe: 7"]))
        .with("os_distro", "debian")
        .with("os_version", "12")
        .with("architecture", "x86_64")
        .with("hw_disk_bus", "virtio")
        .with("owner_specified.openstack.sha256", "")
        .with("note", "two lines,\nand ünïcode");
    let made = alice.make_image(&image).await?;

    let job = Copies::of(&alice)
        .start(&made.id, &carol.project_id)
        .await?;
    let delivered = delivered(bed, &alice, &carol, &job).await?;

    let copy = &delivered.copy;
    ensure!(copy["os_hash_value"] == json!(made.sha512), "{copy}");
    ensure!(copy["size"] == json!(made.size), "{copy}");
    // Compared with the request too, should both Glances have lost something on the way.
    for key in [
        "name",
        "disk_format",
        "container_format",
        "min_disk",
        "min_ram",
        "note",
    ] {
        ensure!(copy[key] == image.attributes[key], "{key}: {copy}");
    }
    let tags = copy["tags"].as_array().map(Vec::len);
    ensure!(tags == Some(3), "{copy}");
    let bob = bed.cloud_in("bob", Region::Ot2, "proj-ot1").await?;
    let id = copy["id"].as_str().unwrap_or_default();
    ensure!(bob.image(id).await?.is_none(), "another tenant sees {copy}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_may_stay_in_its_region() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot2).await?;
    let neighbour = bed.cloud_in("alice", Region::Ot2, "proj-ot1").await?;
    let made = alice.make_image(&NewImage::named("next door", 1)).await?;

    let request = json!({
        "image_id": made.id, "tenant_id_dst": neighbour.project_id, "region_id_dst": "ot2",
    });
    let accepted = Copies::of(&alice).post(&request).await?.json(202)?;
    let job = accepted["job_id"].as_str().unwrap_or_default();
    let delivered = delivered(bed, &alice, &neighbour, job).await?;

    let job = &delivered.job;
    ensure!(job["source_region_id"] == "ot2", "{job}");
    ensure!(job["destination_region_id"] == "ot2", "{job}");
    Ok(())
}
