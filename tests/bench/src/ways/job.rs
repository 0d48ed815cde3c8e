//! A job of ours, as its caller sees it: from the POST until the event stream says `replicated`.

use anyhow::{Context, ensure};
use scenarios::is_final;

use crate::stage::{SourceImage, Stage};

/// Has a job copy the image; gives the replica's id.
///
/// # Errors
/// When the job is refused or ends as anything but `replicated`.
pub(crate) async fn copy(stage: &Stage, image: &SourceImage) -> anyhow::Result<String> {
    let copies = stage.copies();
    let job = copies
        .start(&image.id, &stage.destination.project_id)
        .await?;
    until_replicated(stage, &job).await
}

/// Follows a job to its end; gives the replica's id.
///
/// # Errors
/// When the job ends as anything but `replicated`.
pub(crate) async fn until_replicated(stage: &Stage, job: &str) -> anyhow::Result<String> {
    let copies = stage.copies();
    let mut events = copies.events(&format!("/{job}/events")).await?;
    loop {
        let document = events.next_document().await?;
        if is_final(&document) {
            ensure!(document["status"] == "replicated", "{document}");
            let replica = document["destination_image_id"].as_str();
            return Ok(replica.context("a replica without an id")?.to_owned());
        }
    }
}
