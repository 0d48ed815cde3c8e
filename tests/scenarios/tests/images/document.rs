//! One image, key by key.

use anyhow::ensure;
use serde_json::json;
use testbed::{NewImage, Region};

use crate::bed;
use crate::compute::Compute;

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_sample_is_reproduced_key_by_key() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let compute = Compute::found_by(&alice).await?;
    let name = "ubuntu_server_14_04-cloudimg-amd64.img";
    let made = alice.make_image(&NewImage::named(name, 1)).await?;
    let id = made.id.as_str();
    let at_glance = alice.image(id).await?.unwrap_or_default();
    for version in ["v2", "v2.1"] {
        let path = format!("/{version}/{}/images/{id}", compute.tenant);
        let shown = compute.get_at(&path).await?.json(200)?;
        let expected = json!({"image": {
            "status": "ACTIVE", "updated": at_glance["updated_at"],
            "links": compute.links(version, id), "id": id, "OS-EXT-IMG-SIZE:size": made.size,
            "name": name, "created": at_glance["created_at"], "minDisk": 0, "progress": 100,
            "minRam": 0, "metadata": {},
        }});
        ensure!(shown == expected, "{shown}\nis not\n{expected}");
    }
    // A reader sees the same.
    let rita = Compute::of(bed, "rita", Region::Ot1).await?;
    ensure!(rita.image(id).await? == compute.image(id).await?);
    alice.delete_image(id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_without_data_names_its_server() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let compute = Compute::found_by(&alice).await?;
    let server = "2f7ff8c5-4e1d-4b6f-9d2e-1c4a1f0f7a11";
    let snapshot = NewImage::named("a snapshot", 0)
        .with("min_disk", 3)
        .with("min_ram", 512)
        .with("instance_uuid", server)
        .with("auto_disk_config", "True");
    let id = alice.create_image(&snapshot.attributes).await?;
    let shown = compute.image(&id).await?;
    let (base, tenant) = (&compute.base, &compute.tenant);
    let expected = json!({"id": server, "links": [
        {"rel": "self", "href": format!("{base}/v2/{tenant}/servers/{server}")},
        {"rel": "bookmark", "href": format!("{base}/{tenant}/servers/{server}")},
    ]});
    ensure!(shown["server"] == expected, "{shown}");
    for (key, value) in [
        ("OS-DCF:diskConfig", json!("AUTO")),
        ("status", json!("SAVING")),
        ("progress", json!(25)),
        ("OS-EXT-IMG-SIZE:size", json!(0)),
        ("minDisk", json!(3)),
        ("minRam", json!(512)),
    ] {
        ensure!(shown[key] == value, "{key}: {shown}");
    }
    alice.delete_image(&id).await
}
