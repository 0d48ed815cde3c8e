//! Destinations that do not exist, or that the caller has no rights on.

use reqwest::Method;
use scenarios::Copies;
use serde_json::{Value, json};
use testbed::{MadeImage, NewImage, Region, eventually};

use super::alice;
use crate::bed;
use crate::own_project::OwnProject;

/// Longest wait for what a gateway keeps for a second.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

async fn image() -> anyhow::Result<MadeImage> {
    let (alice, _) = alice().await?;
    alice.make_image(&NewImage::named("going nowhere", 1)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_role_on_the_destination_is_not_authorized() -> anyhow::Result<()> {
    let bed = bed().await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let bob = bed.cloud("bob", Region::Ot1).await?;
    let image = image().await?;
    let answer = Copies::of(&bob).ask(&image.id, &tenant).await?;
    answer.expect_fault_naming(401, "Unauthorized", &["no role", &tenant, "ot2"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_taken_away_counts_soon_and_one_that_is_given_at_once() -> anyhow::Result<()>
{
    let bed = bed().await?;
    let project = OwnProject::make(bed, &["region:ot2"]).await?;
    let (alice, _) = alice().await?;
    // Whoever has the role hears that the image is not taken, so that no copy is made.
    let image = NewImage::named("licensed", 1).with("license_switch_type", "some");
    let image = alice.make_image(&image).await?;
    let copies = Copies::of(&alice);
    let ask = || copies.ask(&image.id, &project.id);
    let licence = &["license_switch_type", "ot2"];
    ask()
        .await?
        .expect_fault_naming(404, "Not Found", licence)?;
    project.membership(bed, Method::DELETE).await?;
    eventually(PATIENCE, "a refusal for want of a role", || async {
        let no_role = ["no role", &project.id, "ot2"];
        ask()
            .await?
            .expect_fault_naming(401, "Unauthorized", &no_role)
    })
    .await?;
    project.membership(bed, Method::PUT).await?;
    ask().await?.expect_fault_naming(404, "Not Found", licence)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_does_not_exist_is_not_found() -> anyhow::Result<()> {
    let (alice, _) = alice().await?;
    let image = image().await?;
    let copies = Copies::of(&alice);
    let unknown = uuid::Uuid::new_v4().simple().to_string();
    let answer = copies.ask(&image.id, &unknown).await?;
    answer.expect_fault_naming(404, "Not Found", &[&unknown])?;

    let admin = bed().await?.cloud("admin", Region::Ot1).await?;
    let project = json!({"project": {"name": unknown, "enabled": false, "domain_id": "default"}});
    let created = admin
        .keystone(Method::POST, "/projects")
        .json(&project)
        .send()
        .await?;
    let created: Value = created.error_for_status()?.json().await?;
    let disabled = created["project"]["id"].as_str().unwrap_or_default();
    let answer = copies.ask(&image.id, disabled).await?;
    answer.expect_fault_naming(404, "Not Found", &[disabled])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_must_be_known_and_another_place_than_the_source() -> anyhow::Result<()> {
    let (alice, tenant) = alice().await?;
    let image = image().await?;
    let copies = Copies::of(&alice);
    let ask = |tenant: &str, region: &str| {
        let body = json!({
            "image_id": image.id, "tenant_id_dst": tenant, "region_id_dst": region,
        });
        let copies = copies.clone();
        async move { copies.post(&body).await }
    };
    let unknown = ask(&tenant, "ot9").await?;
    unknown.expect_fault_naming(400, "Bad Request", &["ot9", "ot1, ot2"])?;
    let same = ask(&alice.project_id, "ot1").await?;
    same.expect_fault_naming(400, "Bad Request", &["same", &alice.project_id, "ot1"])
}
