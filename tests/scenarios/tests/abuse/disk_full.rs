//! The destination's store has no room for the bytes.
//!
//! The real Glance runs into a limit on the size of its files, which its store takes for a full disk as it does
//! `ENOSPC`; a file system of its own could only be mounted by root.

use anyhow::{Context, ensure};
use scenarios::Turn;
use testbed::eventually;
use tokio::process::Command;

use crate::stage::{
    ATTEMPTS, DESTINATION, PATIENCE, WORKER, expect_copied, expect_error, turn, until_logged,
};

/// Larger than Glance's database and its log, smaller than the image.
const ROOM: &str = "24000000";
const MEBIBYTES: u64 = 48;

/// Limits, or no longer limits, the size of files that the destination's Glance writes.
async fn limit_files(turn: &Turn, limit: &str) -> anyhow::Result<()> {
    let glance = turn.bed.pid(DESTINATION).await?.context("it runs")?;
    let children = std::fs::read_to_string(format!("/proc/{glance}/task/{glance}/children"))?;
    let glance = glance.to_string();
    for pid in children.split_whitespace().chain([glance.as_str()]) {
        let limit = format!("--fsize={limit}:unlimited");
        let status = Command::new("prlimit")
            .args(["--pid", pid, &limit])
            .status()
            .await?;
        ensure!(status.success(), "prlimit {limit}: {status}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_at_the_destination_is_tried_again_and_then_told() -> anyhow::Result<()> {
    let (turn, _) = turn().await?;
    let image = turn.image("larger than the disk", MEBIBYTES).await?;
    let small = turn.image("there is room for it", 1).await?;
    limit_files(&turn, ROOM).await?;

    let job = turn.start(&image).await?;
    let words = ["ot2", "image store", "full"];
    let document = expect_error(&turn, &job, "destination_unavailable", &words).await?;
    ensure!(document["attempt"] == ATTEMPTS, "{document}");
    let said = ["the attempt failed", job.as_str(), "storage media is full"];
    until_logged(turn.bed, WORKER, &said).await?;
    let mut replicas = vec![expect_copied(&turn, &small).await?];

    // Somebody makes room while the next job fails: it comes through by itself.
    let job = turn.start(&image).await?;
    eventually(PATIENCE, "another failure", || async {
        let log = turn.bed.log(WORKER)?;
        let mut lines = log.lines();
        let failed = lines.any(|line| line.contains("the attempt failed") && line.contains(&job));
        ensure!(failed, "not yet");
        Ok(())
    })
    .await?;
    limit_files(&turn, "unlimited").await?;
    let document = turn.copies().until_replicated(&job).await?;
    replicas.push(turn.replicas().expect_whole(&document, &image).await?);
    turn.leave(&replicas).await
}
