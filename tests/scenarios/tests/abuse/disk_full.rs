//! The destination's store has no room for the bytes.
//!
//! The real Glance has a small disk of its own, with something on it that takes much of the room. Where a machine lets nobody mount one,
//! Glance runs into a limit on the size of its files instead, which its store takes for a full disk as well (`EFBIG` for `ENOSPC`).

use anyhow::{Context, ensure};
use scenarios::{PATIENCE, Turn};
use testbed::{Region, eventually, may_have_own_disk};
use tokio::process::Command;

use crate::stage::{ATTEMPTS, DESTINATION, WORKER, expect_copied, expect_error, turn};

const MEBIBYTE: u64 = 1024 * 1024;

/// What is copied, in MiB: it has room on the disk, but not beside what is there.
const IMAGE: u64 = 48;
const DISK: u64 = 80 * MEBIBYTE;
const BALLAST: u64 = 56 * MEBIBYTE;

/// Larger than Glance's database and its log, smaller than the image.
const LARGEST_FILE: &str = "24000000";

/// How the destination comes to have no room.
enum Shortage {
    /// Its disk is small, and there is something on it.
    Disk,
    /// It may not write files of that size.
    Limit,
}

impl Shortage {
    /// Begins.
    async fn begin(turn: &Turn) -> anyhow::Result<Self> {
        if let Err(refusal) = may_have_own_disk().await {
            testbed::say(format_args!(
                "no disk of its own can be mounted here, so the size of files is limited: {refusal:#}"
            ));
            limit_files(turn, LARGEST_FILE).await?;
            return Ok(Self::Limit);
        }
        set_disk(turn, Some(DISK)).await?;
        let ballast = vec![0; usize::try_from(BALLAST)?];
        std::fs::write(turn.bed.store(Region::Ot2)?.join("ballast"), ballast)?;
        Ok(Self::Disk)
    }

    /// Somebody makes room.
    async fn make_room(&self, turn: &Turn) -> anyhow::Result<()> {
        match self {
            Self::Disk => {
                let ballast = turn.bed.store(Region::Ot2)?.join("ballast");
                Ok(std::fs::remove_file(ballast)?)
            }
            Self::Limit => limit_files(turn, "unlimited").await,
        }
    }
}

/// Starts the destination's Glance anew with a disk of its own, or without.
async fn set_disk(turn: &Turn, size: Option<u64>) -> anyhow::Result<()> {
    turn.bed.change_options(|options| {
        options.glance.entry(Region::Ot2).or_default().disk = size;
    })?;
    turn.bed.restart(DESTINATION).await
}

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
    let outcome = fill_and_make_room(&turn).await;
    if turn.bed.options().glance[&Region::Ot2].disk.is_some() {
        // Whatever came of it, the next test has the whole disk.
        set_disk(&turn, None).await?;
    }
    outcome?;
    turn.leave(&[]).await
}

/// All that there is to see; no image is left.
async fn fill_and_make_room(turn: &Turn) -> anyhow::Result<()> {
    let image = turn.image("larger than the disk", IMAGE).await?;
    let small = turn.image("there is room for it", 1).await?;
    let shortage = Shortage::begin(turn).await?;

    let job = turn.start(&image).await?;
    let words = ["ot2", "image store", "full"];
    let document = expect_error(turn, &job, "destination_unavailable", &words).await?;
    ensure!(document["attempt"] == ATTEMPTS, "{document}");
    let said = ["the attempt failed", job.as_str(), "storage media is full"];
    turn.until_logged(WORKER, &said).await?;
    let mut replicas = vec![expect_copied(turn, &small).await?];

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
    shortage.make_room(turn).await?;
    let document = turn.copies().until_replicated(&job).await?;
    replicas.push(turn.replicas().expect_whole(&document, &image).await?);
    for replica in &replicas {
        turn.there().delete_image(replica).await?;
    }
    // On the small disk as well nothing stays of what failed.
    turn.bed.check_leftovers().await
}
