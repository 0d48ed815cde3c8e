//! Images that are unusual: copied all the same, or refused for what they are.

mod foreign;
mod refused;

use std::iter;

use anyhow::ensure;
use scenarios::Copies;
use serde_json::{Value, json};
use testbed::{NewImage, Region};

use crate::bed;
use crate::delivered::delivered;

/// As long as Glance lets a name be, in characters that take two and three bytes in UTF-8 (it takes none of four).
fn longest_name() -> String {
    "日本語ñß".chars().cycle().take(255).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_name_many_properties_and_many_tags_arrive_whole() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let carol = bed.cloud("carol", Region::Ot2).await?;
    let tags: Vec<String> = (0..100).map(|number| format!("tag {number}")).collect();
    let image = (0..120).fold(
        NewImage::named(&longest_name(), 1).with("tags", json!(tags)),
        |image, number| image.with(&format!("property_{number}"), format!("value {number}")),
    );
    let made = alice.make_image(&image).await?;

    let job = Copies::of(&alice)
        .start(&made.id, &carol.project_id)
        .await?;
    let delivered = delivered(bed, &alice, &carol, &job).await?;

    let (job, copy) = (&delivered.job, &delivered.copy);
    ensure!(job["source_image_name"] == longest_name(), "{job}");
    ensure!(copy["name"] == longest_name(), "{copy}");
    ensure!(copy["property_119"] == "value 119", "{copy}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_a_name_has_an_empty_one_in_its_job() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let carol = bed.cloud("carol", Region::Ot2).await?;
    let nameless = NewImage::named("", 1).with("name", Value::Null);
    let made = alice.make_image(&nameless).await?;

    let job = Copies::of(&alice)
        .start(&made.id, &carol.project_id)
        .await?;
    let delivered = delivered(bed, &alice, &carol, &job).await?;

    ensure!(
        delivered.job["source_image_name"] == "",
        "{}",
        delivered.job
    );
    ensure!(delivered.copy["name"].is_null(), "{}", delivered.copy);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_and_hidden_images_have_protected_and_hidden_copies() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let carol = bed.cloud("carol", Region::Ot2).await?;
    let image = NewImage::named("kept and kept quiet", 1)
        .with("protected", true)
        .with("os_hidden", true);
    let made = alice.make_image(&image).await?;

    let job = Copies::of(&alice)
        .start(&made.id, &carol.project_id)
        .await?;
    let delivered = delivered(bed, &alice, &carol, &job).await?;

    let copy = &delivered.copy;
    ensure!(
        copy["protected"] == true && copy["os_hidden"] == true,
        "{copy}"
    );
    let unprotect = json!([{"op": "replace", "path": "/protected", "value": false}]);
    for (cloud, id) in [(&alice, json!(made.id)), (&carol, copy["id"].clone())] {
        let id = id.as_str().unwrap_or_default();
        cloud.patch_image(id, &unprotect).await?;
        cloud.delete_image(id).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn references_into_the_source_region_stay_behind() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let carol = bed.cloud("carol", Region::Ot2).await?;
    let server = "5f0c5a0e-3a9e-4b43-9f3c-0a5b0f6c2b11";
    let snapshot = NewImage::named("snapshot", 1)
        .with("instance_uuid", server)
        .with("base_image_ref", server)
        .with("image_type", "snapshot")
        .with("replicated_by_job", "inherited from another copy");
    let made = alice.make_image(&snapshot).await?;
    // Set afterwards, or Glance would verify a signature during the upload.
    let sign = json!([
        {"op": "add", "path": "/img_signature_hash_method", "value": "SHA-256"},
    ]);
    alice.patch_image(&made.id, &sign).await?;

    let job = Copies::of(&alice)
        .start(&made.id, &carol.project_id)
        .await?;
    let delivered = delivered(bed, &alice, &carol, &job).await?;

    let (source, copy) = (&delivered.source, &delivered.copy);
    for key in [
        "instance_uuid",
        "base_image_ref",
        "img_signature_hash_method",
    ] {
        ensure!(source.get(key).is_some(), "{key}: {source}");
        ensure!(copy.get(key).is_none(), "{key}: {copy}");
    }
    ensure!(copy["image_type"] == "snapshot", "{copy}");
    ensure!(copy["replicated_by_job"] == json!(job), "{copy}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_image_is_copied_to_several_tenants_and_again() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let carol = bed.cloud("carol", Region::Ot2).await?;
    let own = bed.cloud_in("alice", Region::Ot2, "proj-ot1").await?;
    let made = alice.make_image(&NewImage::named("popular", 1)).await?;
    let copies = Copies::of(&alice);
    let mut images = Vec::new();
    for owner in [&carol, &own].into_iter().chain(iter::once(&carol)) {
        let job = copies.start(&made.id, &owner.project_id).await?;
        images.push(delivered(bed, &alice, owner, &job).await?.copy["id"].to_string());
    }
    images.sort();
    images.dedup();
    ensure!(images.len() == 3, "{images:?}");
    Ok(())
}
