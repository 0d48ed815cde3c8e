//! Jobs that wait: copies into `ot1`, where this binary's test bed has no worker.

use scenarios::Copies;
use serde_json::json;
use testbed::{Cloud, MadeImage, NewImage};

/// A source that costs next to nothing, and is small enough for `ot1`'s rules.
pub(crate) async fn tiny_image(cloud: &Cloud, name: &str) -> anyhow::Result<MadeImage> {
    let mut image = NewImage::named(name, 0);
    image.size = 1024;
    cloud.make_image(&image).await
}

/// Starts a copy that nobody takes up: into `ot1`, for a tenant other than the caller's own.
pub(crate) async fn start_waiting(
    copies: &Copies<'_>,
    image: &str,
    tenant: &str,
) -> anyhow::Result<String> {
    let body = json!({"image_id": image, "tenant_id_dst": tenant, "region_id_dst": "ot1"});
    copies.post(&body).await?.accepted_job()
}
