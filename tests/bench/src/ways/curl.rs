//! What can be done with curl alone: it moves bytes about as cheaply as a program can that knows nothing of images.

use std::process::Stdio;

use serde_json::{Map, Value, json};
use testbed::Cloud;
use tokio::process::Command;
use tokio::try_join;

use crate::command::{run, start, until_ended};
use crate::stage::{SourceImage, Stage};

/// Glance takes one media type; and under uwsgi it never answers an Expect.
const AS_GLANCE_WANTS_IT: [&str; 4] = [
    "-H",
    "content-type: application/octet-stream",
    "-H",
    "expect:",
];

/// An image without data, which can be uploaded into.
///
/// # Errors
/// When Glance refuses.
pub(crate) async fn empty_image(cloud: &Cloud) -> anyhow::Result<String> {
    let attributes = [
        ("name", json!("by hand")),
        ("disk_format", json!("raw")),
        ("container_format", json!("bare")),
    ];
    let attributes: Map<String, Value> = attributes
        .map(|(key, value)| (key.to_owned(), value))
        .into_iter()
        .collect();
    cloud.create_image(&attributes).await
}

/// Downloads to nowhere; gives curl's peak of memory.
///
/// # Errors
/// When curl fails.
pub(super) async fn download(stage: &Stage, image: &SourceImage) -> anyhow::Result<u64> {
    let mut get = curl(&stage.source, &image.id);
    get.args(["-o", "/dev/null"]);
    Ok(run(get).await?.peak)
}

/// Uploads the image's bytes from memory into `target`; gives curl's peak of memory.
///
/// # Errors
/// When curl fails.
pub(super) async fn upload(
    stage: &Stage,
    image: &SourceImage,
    target: &str,
) -> anyhow::Result<u64> {
    let mut put = curl(&stage.destination, target);
    put.args(AS_GLANCE_WANTS_IT).arg("-T").arg(&image.file);
    Ok(run(put).await?.peak)
}

/// Downloads and uploads at once; gives the peaks of both programs together.
///
/// # Errors
/// When one of them fails.
pub(super) async fn pipe(stage: &Stage, image: &SourceImage, target: &str) -> anyhow::Result<u64> {
    let mut source = start(&mut curl(&stage.source, &image.id))?;
    let mut put = curl(&stage.destination, target);
    let length = format!("content-length: {}", image.size);
    put.stdin(source.output()?)
        .args(AS_GLANCE_WANTS_IT)
        // With a length and without chunks, which are dearer.
        .args(["-H", &length, "-H", "transfer-encoding:", "-T", "-"]);
    let put = start(&mut put)?;
    let (source, put) = try_join!(until_ended(source), until_ended(put))?;
    Ok(source.peak + put.peak)
}

fn curl(cloud: &Cloud, image: &str) -> Command {
    let mut curl = Command::new("curl");
    curl.stdin(Stdio::null())
        .stdout(Stdio::piped())
        .args(["-sS", "--fail", "--noproxy", "*"])
        .args(["-H", &format!("x-auth-token: {}", cloud.token)])
        .arg(format!("{}/v2/images/{image}/file", cloud.front_url));
    curl
}
