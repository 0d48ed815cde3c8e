//! Of several reasons, the first in the documented order is answered: token, Content-Type, body,
//! image, destination tenant, rights, rules.

use anyhow::Context;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use scenarios::{Answer, Copies};
use serde_json::{Value, json};
use testbed::{Cloud, NewImage, Region};

use super::{AUTHENTICATION_REQUIRED, NO_CONTENT_TYPE, alice, no_such_image, nowhere};
use crate::bed;

async fn post(cloud: &Cloud, content_type: &str, body: String) -> anyhow::Result<Answer> {
    let copies = Copies::of(cloud);
    let request = copies.request(Method::POST, "").body(body);
    copies
        .send(request.header(CONTENT_TYPE, content_type))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_comes_first_then_content_type_then_body() -> anyhow::Result<()> {
    let (alice, _) = alice().await?;
    let mut nobody = alice.clone();
    nobody.token = nowhere();
    let too_large = || "x".repeat(64 * 1024 + 1);
    for body in ["no JSON".to_owned(), too_large()] {
        let answer = post(&nobody, "text/plain", body.clone()).await?;
        answer.expect_fault(401, "Unauthorized", AUTHENTICATION_REQUIRED)?;
        let answer = post(&alice, "text/plain", body).await?;
        answer.expect_fault(400, "Bad Request", NO_CONTENT_TYPE)?;
    }
    let body = json!({"image_id": nowhere(), "tenant_id_dst": 7}).to_string();
    let answer = post(&alice, "application/json", body).await?;
    answer.expect_fault_naming(400, "Bad Request", &["tenant_id_dst"])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_comes_before_its_destination() -> anyhow::Result<()> {
    let bed = bed().await?;
    let bob = bed.cloud("bob", Region::Ot1).await?;
    let copies = Copies::of(&bob);
    let forbidden = bed.project_id(Region::Ot2, "proj-ot2")?;
    let unknown = uuid::Uuid::new_v4().simple().to_string();
    let image = nowhere();
    for tenant in [&forbidden, &unknown] {
        let answer = copies.ask(&image, tenant).await?;
        answer.expect_fault(404, "Not Found", &no_such_image(&image))?;
    }
    let queued = bob
        .create_image(&NewImage::named("queued", 0).attributes)
        .await?;
    for tenant in [&forbidden, &unknown] {
        let answer = copies.ask(&queued, tenant).await?;
        answer.expect_fault_naming(409, "Conflict", &["queued"])?;
    }
    bob.delete_image(&queued).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_come_before_rules() -> anyhow::Result<()> {
    let bed = bed().await?;
    let bob = bed.cloud("bob", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = NewImage::named("refused twice", 1).with("license_switch_type", "some");
    let made = bob.make_image(&image).await?;
    let answer = Copies::of(&bob).ask(&made.id, &tenant).await?;
    answer.expect_fault_naming(401, "Unauthorized", &["no role"])
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_properties_come_before_formats() -> anyhow::Result<()> {
    let (alice, tenant) = alice().await?;
    let image = NewImage::named("refused twice", 1)
        .with("disk_format", "vhd")
        .with("container_format", "ova")
        .with("official_template_type", "some");
    let made = alice.make_image(&image).await?;
    let answer = Copies::of(&alice).ask(&made.id, &tenant).await?;
    answer.expect_fault_naming(404, "Not Found", &["official_template_type"])
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_may_be_written_in_upper_case_and_tenants_with_dashes() -> anyhow::Result<()> {
    let (alice, tenant) = alice().await?;
    let made = alice.make_image(&NewImage::named("SHOUTED", 1)).await?;
    let copies = Copies::of(&alice);
    let dashed = uuid::Uuid::try_parse(&tenant)?.hyphenated().to_string();
    for tenant_as_written in [tenant.to_uppercase(), dashed] {
        let job = copies
            .start(&made.id.to_uppercase(), &tenant_as_written)
            .await?;
        let document: Value = copies.show(&job.to_uppercase()).await?;
        let facts = json!([
            document["job_id"],
            document["source_image_id"],
            document["destination_tenant_id"]
        ]);
        anyhow::ensure!(facts == json!([job, made.id, tenant]), "{document}");
        copies
            .until_replicated(&job)
            .await
            .context("written otherwise")?;
    }
    Ok(())
}
