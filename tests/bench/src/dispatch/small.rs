//! Hundreds of small images, all asked for at once, next to one large image of as many bytes; and both next to plain
//! uploads of the same.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::{Context, ensure};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use scenarios::is_final;

use super::Wanted;
use crate::reading::{Mover, Reading, measure as reading_of};
use crate::stage::{SourceImage, Stage};
use crate::table::{as_float, mebibytes};
use crate::ways::{Way, curl, measured};

/// As many as the worker copies, and a tenant may copy, at once.
const AT_ONCE: usize = 8;

/// Measures each once, and gives the table.
///
/// # Errors
/// When a copy fails.
pub(super) async fn measure(stage: &Stage, wanted: Wanted) -> anyhow::Result<String> {
    let total = wanted.small_size * wanted.small as u64;
    let large = stage.make(total).await?;
    let large_upload = measured(stage, Way::Upload, &large, 1).await?;
    let large_job = measured(stage, Way::Job, &large, 1).await?;
    stage.remove(large).await?;

    let small = stage.make(wanted.small_size).await?;
    let (bytes, count) = (Bytes::from(std::fs::read(&small.file)?), wanted.small);
    let mut made = Vec::new();
    let small_uploads = reading_of(stage, Mover::Glance, async {
        made = uploads(stage, &bytes, count).await?;
        Ok(0)
    });
    let small_uploads = small_uploads.await?;
    remove_all(stage, &made).await?;
    let mut made = Vec::new();
    let small_jobs = reading_of(stage, Mover::Worker, async {
        made = jobs(stage, &small, count).await?;
        Ok(0)
    });
    let small_jobs = small_jobs.await?;
    remove_all(stage, &made).await?;
    stage.remove(small).await?;

    let mut text = format!(
        "### {count} images of {:.0} MiB next to one of {:.0} MiB\n\n\
         | what | wall (s) | MiB/s | worker CPU (s) | gateway and scheduler CPU (s) | source Glance CPU (s) | destination Glance CPU (s) |\n|{}\n",
        mebibytes(wanted.small_size),
        mebibytes(total),
        "---|".repeat(7)
    );
    for (name, reading) in [
        ("one raw upload of the large one".to_owned(), large_upload),
        ("one job for the large one".to_owned(), large_job),
        (
            format!("{count} raw uploads of small ones (create and PUT), {AT_ONCE} at once"),
            small_uploads,
        ),
        (
            format!("{count} jobs for small ones, all asked for at once"),
            small_jobs,
        ),
    ] {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", row(&name, &reading, mebibytes(total)));
    }
    let each = small_jobs.wall / as_float(count as u64) * 1e3;
    let _ = writeln!(text, "\nA small image takes {each:.0} ms on average.");
    Ok(text)
}

fn row(name: &str, reading: &Reading, total: f64) -> String {
    let mut cells = vec![
        format!("{:.2}", reading.wall),
        format!("{:.0}", total / reading.wall),
    ];
    let times = [
        reading.mover,
        reading.control,
        reading.source,
        reading.destination,
    ];
    cells.extend(times.map(|time| format!("{time:.2}")));
    format!("| {name} | {} |", cells.join(" | "))
}

/// Uploads past everything of ours, over kept connections; gives the images' ids.
async fn uploads(stage: &Stage, bytes: &Bytes, count: usize) -> anyhow::Result<Vec<String>> {
    let each = (0..count).map(|_| async {
        let id = curl::empty_image(&stage.destination).await?;
        let path = format!("/v2/images/{id}/file");
        let put = stage.destination.front(Method::PUT, &path);
        let put = put
            .header("content-type", "application/octet-stream")
            .body(bytes.clone());
        put.send().await?.error_for_status()?;
        anyhow::Ok(id)
    });
    stream::iter(each)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// Asks for all copies and waits until the last is there; gives the replicas' ids.
async fn jobs(stage: &Stage, image: &SourceImage, count: usize) -> anyhow::Result<Vec<String>> {
    let copies = stage.copies();
    let mut events = copies.events("/events").await?;
    let tenant = &stage.destination.project_id;
    let asking = stream::iter(0..count)
        .map(|_| copies.start(&image.id, tenant))
        .buffer_unordered(AT_ONCE)
        .try_collect::<BTreeSet<String>>();
    let ending = async {
        let mut ended = BTreeSet::new();
        let mut replicas = Vec::new();
        while ended.len() < count {
            let document = events.next_document().await?;
            if !is_final(&document) {
                continue;
            }
            ensure!(document["status"] == "replicated", "{document}");
            let job = document["job_id"].as_str().context("no id")?;
            if ended.insert(job.to_owned()) {
                let replica = document["destination_image_id"].as_str();
                replicas.push(replica.context("no replica")?.to_owned());
            }
        }
        Ok((ended, replicas))
    };
    let (asked, (ended, replicas)) = tokio::try_join!(asking, ending)?;
    ensure!(asked == ended, "other jobs ended than were asked for");
    Ok(replicas)
}

async fn remove_all(stage: &Stage, images: &[String]) -> anyhow::Result<()> {
    stream::iter(images)
        .map(anyhow::Ok)
        .try_for_each_concurrent(AT_ONCE, |image| stage.destination.delete_image(image))
        .await
}
