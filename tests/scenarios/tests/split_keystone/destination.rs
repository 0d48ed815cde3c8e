//! The destination region is the one whose Keystone knows the tenant.

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::Copies;
use serde_json::json;
use testbed::{NewImage, Region};
use uuid::Uuid;

use crate::bed;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_where_the_tenant_is_known() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let there = bed.cloud("alice", Region::Ot2).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let ids = (
        bed.user_id(Region::Ot1, "alice")?,
        bed.user_id(Region::Ot2, "alice")?,
    );
    ensure!(ids.0 != ids.1, "alice has one id in both: {ids:?}");
    ensure!(tenant == there.project_id, "{tenant}");

    let image = alice.make_image(&NewImage::named("abroad", 4)).await?;
    let copies = Copies::of(&alice);
    let named = json!({"image_id": image.id, "tenant_id_dst": tenant, "region_id_dst": "ot2"});
    for job in [
        copies.start(&image.id, &tenant).await?,
        copies.post(&named).await?.accepted_job()?,
    ] {
        let replicated = copies.until_replicated(&job).await?;
        ensure!(replicated["destination_region_id"] == "ot2", "{replicated}");
        let id = replicated["destination_image_id"]
            .as_str()
            .context("none")?;
        let copy = there.image(id).await?.context("alice has no image there")?;
        ensure!(copy["owner"] == tenant.as_str(), "{copy}");
        ensure!(there.sha512_of(id).await? == image.sha512, "{copy}");
        there.delete_image(id).await?;
    }

    // A tenant that only the source's own Keystone knows: a copy within the region.
    let neighbour = bed.project_id(Region::Ot1, "proj-ot2")?;
    let job = copies.start(&image.id, &neighbour).await?;
    let replicated = copies.until_replicated(&job).await?;
    ensure!(replicated["destination_region_id"] == "ot1", "{replicated}");
    let id = replicated["destination_image_id"]
        .as_str()
        .context("none")?;
    let owner = bed.cloud_in("alice", Region::Ot1, "proj-ot2").await?;
    ensure!(owner.sha512_of(id).await? == image.sha512, "{replicated}");
    owner.delete_image(id).await?;
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_not_known_there_is_not_found() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let image = alice.make_image(&NewImage::named("at home", 1)).await?;
    let copies = Copies::of(&alice);
    let not_found = |tenant: &str| {
        format!("Tenant {tenant} does not exist in any region that images can be copied to.")
    };

    let nobody = Uuid::new_v4().simple().to_string();
    let refused = copies.ask(&image.id, &nobody).await?;
    refused.expect_fault(404, "Not Found", &not_found(&nobody))?;

    // The region that the request names is the only one that is asked.
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let wrong = json!({"image_id": image.id, "tenant_id_dst": tenant, "region_id_dst": "ot1"});
    let refused = copies.post(&wrong).await?;
    refused.expect_fault_naming(404, "Not Found", &[&tenant, "ot1"])?;
    let unknown = json!({"image_id": image.id, "tenant_id_dst": tenant, "region_id_dst": "ot9"});
    let refused = copies.post(&unknown).await?;
    refused.expect_fault_naming(400, "Bad Request", &["ot9", "ot1, ot2"])?;
    alice.delete_image(&image.id).await
}

/// Keystone lets nobody choose a project's id, but a domain's (`explicit_domain_id`, made for clouds that keep
/// several Keystones alike), and a domain is a project as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_both_know_is_ambiguous() -> anyhow::Result<()> {
    let bed = bed().await?;
    let both = Uuid::new_v4().simple().to_string();
    for region in Region::ALL {
        let admin = bed.cloud("admin", region).await?;
        let body = json!({"domain": {"name": format!("both-{both}"), "explicit_domain_id": both}});
        let made = admin.keystone(Method::POST, "/domains").json(&body);
        made.send().await?.error_for_status()?;
    }
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let image = alice.make_image(&NewImage::named("for whom?", 1)).await?;
    let copies = Copies::of(&alice);
    let refused = copies.ask(&image.id, &both).await?;
    refused.expect_fault(
        400,
        "Bad Request",
        &format!("Tenant {both} fits several regions: set region_id_dst to one of ot1, ot2."),
    )?;
    // Said which, the next question is whether alice may: she has no role there.
    let said = json!({"image_id": image.id, "tenant_id_dst": both, "region_id_dst": "ot2"});
    let refused = copies.post(&said).await?;
    refused.expect_fault_naming(401, "Unauthorized", &[&both, "ot2"])?;
    alice.delete_image(&image.id).await
}
