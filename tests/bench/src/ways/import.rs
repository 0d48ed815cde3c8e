//! Glance's own import method `glance-download`: the destination's Glance fetches the image, first into its staging
//! area, then into its store. It reads with the caller's own token, so the copy lands in the source's project.

use std::time::Duration;

use anyhow::ensure;
use reqwest::Method;
use serde_json::json;
use testbed::Region;
use tokio::time::sleep;

use super::curl::empty_image;
use crate::stage::{SourceImage, Stage};

/// Glance tells nobody that it is done. This often costs it little, and is exact enough for what takes seconds.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Has Glance import the image; gives the new one's id.
///
/// # Errors
/// When Glance refuses or gives up.
pub(super) async fn copy(stage: &Stage, image: &SourceImage) -> anyhow::Result<String> {
    let importer = &stage.importer;
    let target = empty_image(importer).await?;
    let order = json!({"method": {
        "name": "glance-download",
        "glance_region": Region::Ot1.to_string(),
        "glance_image_id": image.id,
        "glance_service_interface": "public",
    }});
    let path = format!("/v2/images/{target}/import");
    let answer = importer.front(Method::POST, &path).json(&order);
    let answer = answer.send().await?;
    ensure!(answer.status().is_success(), "{}", answer.text().await?);
    let mut has_begun = false;
    loop {
        let seen = importer.image(&target).await?.unwrap_or_default();
        match seen["status"].as_str() {
            Some("active") => return Ok(target),
            Some("importing") => has_begun = true,
            Some("queued") if !has_begun => {}
            _ => anyhow::bail!("Glance gave the import up: {seen}"),
        }
        sleep(LOOK_EVERY).await;
    }
}
