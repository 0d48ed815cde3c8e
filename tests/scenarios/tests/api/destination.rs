//! Which region a copy goes to when both regions share one Keystone, which says nothing of regions.

use anyhow::{Context, ensure};
use scenarios::Copies;
use serde_json::{Value, json};
use testbed::{NewImage, Region};

use crate::bed;
use crate::own_project::OwnProject;
use crate::waiting::tiny_image;

#[tokio::test(flavor = "multi_thread")]
async fn the_only_other_region_is_meant_unless_the_request_names_one() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot1, "proj-ot2")?;
    let image = tiny_image(&alice, "for either region").await?;
    let copies = Copies::of(&alice);
    for (named, expected) in [(None, "ot2"), (Some("ot2"), "ot2"), (Some("ot1"), "ot1")] {
        let shown = copied_to(&copies, &image.id, &tenant, named).await?;
        ensure!(shown["destination_region_id"] == expected, "{shown}");
    }
    // From the other side, the only other one is another.
    let carol = bed.cloud_in("alice", Region::Ot2, "proj-ot2").await?;
    let there = tiny_image(&carol, "for ot1").await?;
    let shown = copied_to(&Copies::of(&carol), &there.id, &alice.project_id, None).await?;
    ensure!(shown["destination_region_id"] == "ot1", "{shown}");
    carol.delete_image(&there.id).await?;

    let unknown = json!({"image_id": image.id, "tenant_id_dst": tenant, "region_id_dst": "ot9"});
    copies.post(&unknown).await?.expect_fault(
        400,
        "Bad Request",
        "Region ot9 is not known; regions are ot1, ot2.",
    )?;
    let own = &alice.project_id;
    let same = json!({"image_id": image.id, "tenant_id_dst": own, "region_id_dst": "ot1"});
    copies.post(&same).await?.expect_fault(
        400,
        "Bad Request",
        &format!("Source and destination are the same: tenant {own} in region ot1."),
    )?;
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projects_tag_says_where_its_copies_go() -> anyhow::Result<()> {
    let bed = bed().await?;
    let project = OwnProject::make(bed, &["blue", "region:ot2"]).await?.id;
    let alice = bed.cloud("alice", Region::Ot2).await?;
    let image = alice
        .make_image(&NewImage::named("stays in ot2", 1))
        .await?;
    let copies = Copies::of(&alice);

    // The only other region would be ot1: the tag has it copied within ot2.
    let job = copies.start(&image.id, &project).await?;
    let replicated = copies.until_replicated(&job).await?;
    ensure!(replicated["destination_region_id"] == "ot2", "{replicated}");
    let id = replicated["destination_image_id"]
        .as_str()
        .context("none")?;
    let admin = bed.cloud("admin", Region::Ot2).await?;
    let copy = admin.image(id).await?.context("no image")?;
    ensure!(copy["owner"] == project.as_str(), "{copy}");
    ensure!(copy["os_hash_value"] == image.sha512.as_str(), "{copy}");

    // A request that names a region means it, whatever the tag says.
    let tiny = tiny_image(&alice, "goes to ot1").await?;
    let shown = copied_to(&copies, &tiny.id, &project, Some("ot1")).await?;
    ensure!(shown["destination_region_id"] == "ot1", "{shown}");

    admin.delete_image(id).await?;
    alice.delete_image(&tiny.id).await?;
    alice.delete_image(&image.id).await
}

/// Where a copy is accepted to; the job is over when this returns, and its copy gone.
async fn copied_to(
    copies: &Copies<'_>,
    image: &str,
    tenant: &str,
    region: Option<&str>,
) -> anyhow::Result<Value> {
    let mut body = json!({"image_id": image, "tenant_id_dst": tenant});
    if let Some(region) = region {
        body["region_id_dst"] = json!(region);
    }
    let job = copies.post(&body).await?.accepted_job()?;
    let shown = copies.show(&job).await?;
    if copies.cancel(&job).await?.status == 409 {
        let replicated = copies.until_replicated(&job).await?;
        let copy = replicated["destination_image_id"]
            .as_str()
            .context("none")?;
        let admin = bed().await?.cloud("admin", Region::Ot2).await?;
        admin.delete_image(copy).await?;
    } else {
        copies.until_final(&job).await?;
    }
    Ok(shown)
}
