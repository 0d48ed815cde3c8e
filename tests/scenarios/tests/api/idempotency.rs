//! `Idempotency-Key`: repeating a request is harmless, whatever happened in between.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use futures::future::try_join_all;
use reqwest::Method;
use reqwest::header::HeaderValue;
use scenarios::{Answer, Copies};
use serde_json::{Value, json};
use testbed::{NewImage, Region};
use uuid::Uuid;

use crate::bed;
use crate::waiting::tiny_image;

const USED_OTHERWISE: &str =
    "The Idempotency-Key was used for another request: use a new key for this one.";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_answers_the_same_until_and_after_the_source_is_gone() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = alice.make_image(&NewImage::named("once", 1)).await?;
    let other = tiny_image(&alice, "another").await?;
    let copies = Copies::of(&alice);
    let key = Uuid::new_v4().to_string();
    let job = post(&copies, &key, &plain(&image.id, &tenant))
        .await?
        .accepted_job()?;

    let dashed = Uuid::try_parse(&tenant)?.hyphenated().to_string();
    let same = [
        plain(&image.id, &tenant),
        format!(
            r#"{{ "tenant_id_dst":"{tenant}", "image_id":"{}" }}"#,
            image.id
        ),
        plain(&image.id.to_uppercase(), &dashed.to_uppercase()),
    ];
    for body in &same {
        let again = post(&copies, &key, body).await?.accepted_job()?;
        ensure!(again == job, "{body} made job {again} beside {job}");
    }
    let different = [
        plain(&other.id, &tenant),
        plain(&image.id, &alice.project_id),
        json!({"image_id": image.id, "tenant_id_dst": tenant, "region_id_dst": "ot2"}).to_string(),
        json!({"image_id": image.id, "tenant_id_dst": tenant, "if_identical": "reuse"}).to_string(),
    ];
    for body in &different {
        let refused = post(&copies, &key, body).await?;
        refused.expect_fault(409, "Conflict", USED_OTHERWISE)?;
    }

    let replicated = copies.until_replicated(&job).await?;
    alice.delete_image(&image.id).await?;
    let afterwards = post(&copies, &key, &same[0]).await?.accepted_job()?;
    ensure!(afterwards == job, "job {afterwards} beside {job}");
    ensure!(
        jobs_of(&copies, &image.id).await? == [job.as_str()],
        "one job"
    );
    alice.delete_image(&other.id).await?;
    let owner = bed.cloud("carol", Region::Ot2).await?;
    let copy = replicated["destination_image_id"]
        .as_str()
        .context("none")?;
    owner.delete_image(copy).await
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_requests_at_once_make_one_job_and_one_image() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = tiny_image(&alice, "wanted by twenty").await?;
    let copies = Copies::of(&alice);
    let key = Uuid::new_v4().to_string();
    let body = plain(&image.id, &tenant);
    let answers = try_join_all((0..20).map(|_| post(&copies, &key, &body))).await?;
    let jobs: BTreeSet<String> = answers
        .iter()
        .map(Answer::accepted_job)
        .collect::<anyhow::Result<_>>()?;
    ensure!(jobs.len() == 1, "several jobs: {jobs:?}");
    let job = jobs.first().context("no job")?;
    copies.until_replicated(job).await?;
    ensure!(
        jobs_of(&copies, &image.id).await? == [job.as_str()],
        "one job"
    );

    let owner = bed.cloud("carol", Region::Ot2).await?;
    let images = owner.images().await?;
    let made: Vec<&Value> = images
        .iter()
        .filter(|made| made["replicated_from_image"] == image.id.as_str())
        .collect();
    ensure!(made.len() == 1, "one image expected: {made:?}");
    owner
        .delete_image(made[0]["id"].as_str().context("no id")?)
        .await?;
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_its_project_and_region() -> anyhow::Result<()> {
    let bed = bed().await?;
    let key = Uuid::new_v4().to_string();
    let mut jobs = BTreeSet::new();
    // The same user in two projects, and a project in two regions.
    for (region, project, towards) in [
        (Region::Ot1, "proj-ot1", "proj-ot2"),
        (Region::Ot1, "proj-ot2", "proj-ot1"),
        (Region::Ot2, "proj-ot2", "proj-ot1"),
    ] {
        let alice = bed.cloud_in("alice", region, project).await?;
        let image = tiny_image(&alice, "one of three").await?;
        let tenant = bed.project_id(region, towards)?;
        let body = json!({"image_id": image.id, "tenant_id_dst": tenant, "region_id_dst": "ot1"});
        let copies = Copies::of(&alice);
        let job = post(&copies, &key, &body.to_string())
            .await?
            .accepted_job()?;
        let shown = copies.show(&job).await?;
        ensure!(shown["source_image_id"] == image.id.as_str(), "{shown}");
        jobs.insert(job.clone());
        copies.cancel(&job).await?.expect_no_content()?;
        alice.delete_image(&image.id).await?;
    }
    ensure!(jobs.len() == 3, "{jobs:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_key_is_refused() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = tiny_image(&alice, "not copied").await?;
    let copies = Copies::of(&alice);
    let long = "k".repeat(256);
    for keys in [
        &[&b""[..]][..],
        &[long.as_bytes()],
        &["café".as_bytes()],
        &[b"a\tb"],
        &[b"first", b"second"],
    ] {
        let mut request = copies
            .request(Method::POST, "")
            .header("content-type", "application/json")
            .body(plain(&image.id, &tenant));
        for key in keys {
            request = request.header("idempotency-key", HeaderValue::from_bytes(key)?);
        }
        let refused = copies.send(request).await?;
        refused.expect_fault_naming(400, "Bad Request", &["Idempotency-Key"])?;
    }
    ensure!(jobs_of(&copies, &image.id).await?.is_empty(), "no job");
    alice.delete_image(&image.id).await
}

fn plain(image: &str, tenant: &str) -> String {
    json!({"image_id": image, "tenant_id_dst": tenant}).to_string()
}

async fn post(copies: &Copies<'_>, key: &str, body: &str) -> anyhow::Result<Answer> {
    let request = copies
        .request(Method::POST, "")
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(body.to_owned());
    copies.send(request).await
}

/// The jobs that copy this image, as their project lists them.
async fn jobs_of(copies: &Copies<'_>, image: &str) -> anyhow::Result<Vec<String>> {
    let jobs = copies.list("").await?.json(200)?;
    let jobs = jobs.as_array().context("no list")?;
    Ok(jobs
        .iter()
        .filter(|job| job["source_image_id"] == image)
        .filter_map(|job| job["job_id"].as_str().map(str::to_owned))
        .collect())
}
