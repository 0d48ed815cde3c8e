//! The job document, from the first look to the last.

use std::cell::RefCell;

use anyhow::{Context, ensure};
use scenarios::{Copies, is_final};
use serde_json::{Value, json};
use testbed::{NewImage, Region};

use crate::bed;

/// Every key, the documented ten first, in the order in which they are written.
const KEYS: [&str; 19] = [
    "copy_progress",
    "destination_image_id",
    "destination_region_id",
    "destination_tenant_id",
    "job_id",
    "source_image_id",
    "source_image_name",
    "source_region_id",
    "source_tenant_id",
    "status",
    "error",
    "bytes_copied",
    "bytes_total",
    "attempt",
    "created_at",
    "started_at",
    "updated_at",
    "finished_at",
    "plan_id",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_job_document_says_what_is_documented_and_no_more() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let made = alice.make_image(&NewImage::named("documented", 32)).await?;
    let copies = Copies::of(&alice);

    let accepted = copies.ask(&made.id, &tenant).await?;
    ensure!(
        accepted.header("content-type") == "application/json; charset=UTF-8",
        "{accepted}"
    );
    let accepted = accepted.json(202)?;
    ensure!(
        accepted.as_object().map(serde_json::Map::len) == Some(1),
        "{accepted}"
    );
    let job = accepted["job_id"].as_str().context("no job_id")?;
    ensure!(uuid::Uuid::try_parse(job)?.to_string() == job, "{accepted}");

    let life = RefCell::new(Vec::<Value>::new());
    let last = copies.until(job, "final", |document| {
        life.borrow_mut().push(document.clone());
        is_final(document)
    });
    let last = last.await?;
    for document in life.borrow().iter() {
        expect_facts(document, job, &made.id, &tenant, &alice.project_id)
            .with_context(|| document.to_string())?;
    }
    expect_life(&life.into_inner())?;
    expect_end(&last, made.size).with_context(|| last.to_string())?;

    let answer = copies.get(job).await?;
    ensure!(
        answer.header("content-type") == "application/json; charset=UTF-8",
        "{answer}"
    );
    let places: Vec<_> = KEYS
        .map(|key| answer.body.find(&format!("\"{key}\":")))
        .into();
    ensure!(places.is_sorted() && !places.contains(&None), "{answer}");
    let listed = copies.list("").await?.json(200)?;
    let listed = listed.as_array().context("the list is an array")?.iter();
    ensure!(
        listed.clone().any(|document| *document == last),
        "not in the list: {last}"
    );
    Ok(())
}

/// What is true of the job from its first document to its last.
fn expect_facts(
    document: &Value,
    job: &str,
    image: &str,
    tenant: &str,
    own: &str,
) -> anyhow::Result<()> {
    let keys = document.as_object().context("an object")?.keys();
    let keys: Vec<&str> = keys.map(String::as_str).collect();
    let mut expected = KEYS;
    expected.sort_unstable();
    ensure!(keys == expected, "keys {keys:?}");
    for (key, value) in [
        ("job_id", job),
        ("source_image_id", image),
        ("source_image_name", "documented"),
        ("source_region_id", "ot1"),
        ("source_tenant_id", own),
        ("destination_region_id", "ot2"),
        ("destination_tenant_id", tenant),
    ] {
        ensure!(document[key] == value, "{key} should be {value}");
    }
    for key in ["copy_progress", "bytes_copied", "bytes_total", "attempt"] {
        ensure!(document[key].is_u64(), "{key} is no integer");
    }
    for key in ["error", "plan_id"] {
        ensure!(document[key].is_null(), "{key} is set");
    }
    let begun = document["status"] != "replicate_requested";
    ensure!(document["started_at"].is_string() == begun, "started_at");
    ensure!(
        document["finished_at"].is_string() == is_final(document),
        "finished_at"
    );
    let times = ["created_at", "started_at", "updated_at"].map(|key| document[key].as_str());
    // All in the same notation and in UTC, so that they sort as texts do.
    ensure!(times.iter().flatten().is_sorted(), "times go back");
    let utc = times.iter().flatten().all(|time| time.ends_with('Z'));
    ensure!(utc && times[0].is_some() && times[2].is_some(), "times");
    Ok(())
}

/// `replicate_requested` may pass unseen; a copy of this size does not.
fn expect_life(life: &[Value]) -> anyhow::Result<()> {
    let mut statuses: Vec<&str> = life
        .iter()
        .filter_map(|document| document["status"].as_str())
        .collect();
    statuses.dedup();
    let whole = ["replicate_requested", "replicating", "replicated"];
    ensure!(
        whole.ends_with(&statuses) && statuses.len() >= 2,
        "{statuses:?}"
    );
    Ok(())
}

fn expect_end(document: &Value, size: u64) -> anyhow::Result<()> {
    for (key, value) in [
        ("status", json!("replicated")),
        ("copy_progress", json!(100)),
        ("bytes_copied", json!(size)),
        ("bytes_total", json!(size)),
        ("attempt", json!(1)),
    ] {
        ensure!(document[key] == value, "{key} should be {value}");
    }
    let image = document["destination_image_id"].as_str();
    uuid::Uuid::try_parse(image.context("no destination_image_id")?)?;
    Ok(())
}
