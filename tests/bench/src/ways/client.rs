//! The ordinary `openstack` client: the image is saved to a file in memory, and an image is created of the file.

use std::process::Stdio;

use testbed::{ForeignClient, Region};
use tokio::process::Command;

use super::Done;
use crate::command::run;
use crate::stage::{SourceImage, Stage};

/// Copies with two calls of the client, one after the other.
///
/// # Errors
/// When one of them fails.
pub(super) async fn copy(stage: &Stage, image: &SourceImage) -> anyhow::Result<Done> {
    let file = stage.bed.directory().join("saved-by-client");
    let mut save = openstack(stage, Region::Ot1).await?;
    save.args(["image", "save", "--file"])
        .arg(&file)
        .arg(&image.id);
    let saved = run(save).await?;
    let mut create = openstack(stage, Region::Ot2).await?;
    create
        .args([
            "image",
            "create",
            "--disk-format",
            "raw",
            "-f",
            "value",
            "-c",
            "id",
        ])
        .arg("--file")
        .arg(&file)
        .arg("by the client");
    let created = run(create).await;
    std::fs::remove_file(&file)?;
    let created = created?;
    Ok(Done {
        replica: Some(created.printed.trim().to_owned()),
        peak: saved.peak.max(created.peak),
    })
}

async fn openstack(stage: &Stage, region: Region) -> anyhow::Result<Command> {
    let client = ForeignClient::Openstackclient;
    let mut command = stage
        .bed
        .client(client, "openstack", "alice", region)
        .await?;
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(command)
}
