//! Destinations that do not exist, or that the caller has no rights on.

use reqwest::Method;
use scenarios::Copies;
use serde_json::{Value, json};
use testbed::{MadeImage, NewImage, Region};

use super::alice;
use crate::bed;

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
