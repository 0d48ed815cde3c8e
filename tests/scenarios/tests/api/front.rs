//! A region's front: Glance goes on working on the same address as the image copy API.

use anyhow::{Context, ensure};
use reqwest::{Body, Method};
use serde_json::{Value, json};
use testbed::{RandomBytes, Region};

use crate::bed;

#[tokio::test(flavor = "multi_thread")]
async fn glance_answers_behind_the_front_and_large_uploads_stream_through() -> anyhow::Result<()> {
    const SIZE: u64 = 64 * 1024 * 1024;
    let alice = bed().await?.cloud("alice", Region::Ot1).await?;
    let schema: Value = alice
        .front(Method::GET, "/v2/schemas/image")
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    ensure!(schema["name"] == "image", "{schema}");

    let wanted = json!({"name": "by the front", "disk_format": "raw", "container_format": "bare"});
    let created: Value = alice
        .front(Method::POST, "/v2/images")
        .json(&wanted)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let id = created["id"].as_str().context("no id")?;
    let path = format!("/v2/images/{id}");
    let seed = 64;
    alice
        .front(Method::PUT, &format!("{path}/file"))
        .header("content-type", "application/octet-stream")
        .header("content-length", SIZE)
        .body(Body::wrap_stream(
            RandomBytes::new(seed, SIZE).into_stream(),
        ))
        .send()
        .await?
        .error_for_status()?;

    let shown: Value = alice
        .front(Method::GET, &path)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let sha512 = RandomBytes::new(seed, SIZE).sha512();
    ensure!(shown["status"] == "active", "{shown}");
    ensure!(shown["size"] == SIZE, "{shown}");
    ensure!(shown["os_hash_value"] == sha512.as_str(), "{shown}");
    let listed: Value = alice
        .front(Method::GET, "/v2/images?limit=20&sort=created_at:desc")
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let images = listed["images"].as_array().context("no images")?;
    ensure!(images.iter().any(|image| image["id"] == id), "{listed}");
    let downloaded = alice
        .front(Method::GET, &format!("{path}/file"))
        .send()
        .await?
        .error_for_status()?
        .bytes()
        .await?;
    ensure!(downloaded.len() as u64 == SIZE, "{}", downloaded.len());
    ensure!(alice.sha512_of(id).await? == sha512, "{shown}");
    let deleted = alice.front(Method::DELETE, &path).send().await?;
    ensure!(deleted.status() == 204, "{deleted:?}");
    Ok(())
}
