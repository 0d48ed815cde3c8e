//! What a caller may rely on once a job is `replicated`: the copy is the source in everything that
//! describes it, and its bytes are really there.

use anyhow::{Context, ensure};
use scenarios::Copies;
use serde_json::{Map, Value, json};
use testbed::{Cloud, TestBed};

/// Attributes that each Glance sets on its own, or that are the copy's by intent.
const OF_EACH_IMAGE: [&str; 10] = [
    "id",
    "owner",
    "visibility",
    "created_at",
    "updated_at",
    "self",
    "file",
    "direct_url",
    "locations",
    "stores",
];

/// Properties that the default configuration leaves behind.
const DROPPED: [&str; 3] = [
    "instance_uuid",
    "base_image_ref",
    "img_signature_hash_method",
];

/// A copy that was found to be right.
#[derive(Debug)]
pub(crate) struct Delivered {
    /// The job's last document.
    pub(crate) job: Value,
    /// The source, as the caller's region shows it.
    pub(crate) source: Value,
    /// The copy, as its new owner's region shows it.
    pub(crate) copy: Value,
}

/// Waits until `job` is `replicated` and checks its copy, seen by `owner`, against the source, seen by `caller`.
pub(crate) async fn delivered(
    bed: &TestBed,
    caller: &Cloud,
    owner: &Cloud,
    job: &str,
) -> anyhow::Result<Delivered> {
    let job = Copies::of(caller).until_replicated(job).await?;
    let source = image_of(caller, &job, "source_image_id").await?;
    let copy = image_of(owner, &job, "destination_image_id").await?;
    expect_same_description(&job, &source, &copy)?;
    expect_same_bytes(bed, (caller, &source), (owner, &copy)).await?;
    Ok(Delivered { job, source, copy })
}

async fn image_of(cloud: &Cloud, job: &Value, key: &str) -> anyhow::Result<Value> {
    let id = job[key]
        .as_str()
        .with_context(|| format!("no {key}: {job}"))?;
    let image = cloud.image(id).await?;
    image.with_context(|| format!("the image of {key} is not there: {job}"))
}

fn expect_same_description(job: &Value, source: &Value, copy: &Value) -> anyhow::Result<()> {
    let mut expected = description(source)?;
    expected.retain(|key, _| !DROPPED.contains(&key.as_str()));
    expected.extend([
        (
            "replicated_from_region".to_owned(),
            job["source_region_id"].clone(),
        ),
        (
            "replicated_from_image".to_owned(),
            job["source_image_id"].clone(),
        ),
        ("replicated_by_job".to_owned(), job["job_id"].clone()),
    ]);
    let found = description(copy)?;
    let differing: Vec<_> = expected
        .keys()
        .chain(found.keys())
        .filter(|key| expected.get(*key) != found.get(*key))
        .map(|key| (key, expected.get(key), found.get(key)))
        .collect();
    ensure!(differing.is_empty(), "expected, found: {differing:?}");
    ensure!(copy["status"] == "active", "{copy}");
    ensure!(copy["visibility"] == "private", "{copy}");
    ensure!(copy["owner"] == job["destination_tenant_id"], "{copy}");
    Ok(())
}

/// All that describes the image to its users, tags in a fixed order.
fn description(image: &Value) -> anyhow::Result<Map<String, Value>> {
    let mut image = image.as_object().context("an image is an object")?.clone();
    image.retain(|key, _| !OF_EACH_IMAGE.contains(&key.as_str()));
    let tags = image.get_mut("tags").and_then(Value::as_array_mut);
    tags.context("no tags")?.sort_by_key(ToString::to_string);
    Ok(image)
}

async fn expect_same_bytes(
    bed: &TestBed,
    (caller, source): (&Cloud, &Value),
    (owner, copy): (&Cloud, &Value),
) -> anyhow::Result<()> {
    let id = |image: &Value| image["id"].as_str().unwrap_or_default().to_owned();
    let sent = caller.sha512_of(&id(source)).await?;
    let received = owner.sha512_of(&id(copy)).await?;
    ensure!(sent == received, "{sent} became {received}: {copy}");
    ensure!(copy["os_hash_algo"] == "sha512", "{copy}");
    ensure!(copy["os_hash_value"] == json!(received), "{copy}");
    let files = bed.store_files(owner.region)?;
    let sizes: Vec<u64> = files
        .iter()
        .filter(|file| file.image_id() == id(copy))
        .map(|file| file.size)
        .collect();
    ensure!(json!(sizes) == json!([copy["size"]]), "{sizes:?}: {copy}");
    Ok(())
}
