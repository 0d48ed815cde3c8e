//! How soon a job begins, and what many small images cost next to a large one.
//!
//! The worker reaches the source's Glance through a relay of this process, which sees when it asks for an image's bytes
//! and when the first of them comes. Only these rows have it in the way.

mod small;
mod spy;

use std::fmt::Write;

use anyhow::{Context, ensure};
use tokio::time::Instant;

use self::spy::Spy;
use crate::plan::MIB;
use crate::stage::{SourceImage, Stage, WORKER};
use crate::statistics::percentile;
use crate::ways::job;

/// What is wanted of these tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Copies one after another.
    pub(crate) copies: usize,
    /// Small images at once, together as large as the large one.
    pub(crate) small: usize,
    /// Bytes of a small image.
    pub(crate) small_size: u64,
}

/// Where the milliseconds of one copy went, each counted from the POST.
#[derive(Debug, Clone, Copy)]
struct Times {
    accepted: f64,
    asked: f64,
    first_byte: f64,
    replicated: f64,
}

type Value = fn(&Times) -> f64;

/// Median and 95th percentile of the first byte in milliseconds, for the targets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dispatch {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
}

/// Measures, and gives the tables.
///
/// # Errors
/// When a copy fails.
pub(crate) async fn measure(
    stage: &mut Stage,
    wanted: Wanted,
) -> anyhow::Result<(Dispatch, String)> {
    let small = small::measure(stage, wanted).await?;
    let spy = Spy::before(&stage.source.front_url).await?;
    let through_spy = format!("[regions.ot1]\nglance_url = '{}'\n", spy.url());
    stage.bed.change_options(|options| {
        options.part_config.insert(WORKER.to_string(), through_spy);
    })?;
    stage.restart_worker().await?;
    let image = stage.make(MIB).await?;
    // Not counted: connections and tokens are new.
    one(stage, &spy, &image).await?;
    let mut all = Vec::new();
    for _ in 0..wanted.copies {
        all.push(one(stage, &spy, &image).await?);
    }
    stage.remove(image).await?;
    stage.bed.change_options(|options| {
        options.part_config.remove(&WORKER.to_string());
    })?;
    stage.restart_worker().await?;
    let first: Vec<f64> = all.iter().map(|times| times.first_byte).collect();
    let dispatch = Dispatch {
        p50: percentile(&first, 50),
        p95: percentile(&first, 95),
    };
    Ok((dispatch, format!("{}\n{small}", table(&all))))
}

async fn one(stage: &Stage, spy: &Spy, image: &SourceImage) -> anyhow::Result<Times> {
    spy.forget();
    let started = Instant::now();
    let since = |then: Instant| then.duration_since(started).as_secs_f64() * 1e3;
    let copies = stage.copies();
    let tenant = &stage.destination.project_id;
    let job = copies.start(&image.id, tenant).await?;
    let accepted = Instant::now();
    let replica = job::until_replicated(stage, &job).await?;
    let replicated = Instant::now();
    stage.remove_replica(&replica).await?;
    let seen = spy.seen();
    let [seen] = seen[..] else {
        anyhow::bail!("{} downloads for one copy", seen.len());
    };
    let first_byte = seen.answered.context("a download without a byte")?;
    ensure!(seen.asked >= started, "a download before its job");
    Ok(Times {
        accepted: since(accepted),
        asked: since(seen.asked),
        first_byte: since(first_byte),
        replicated: since(replicated),
    })
}

fn table(all: &[Times]) -> String {
    let mut text = format!(
        "### From POST to the first byte, {} copies of 1 MiB one after another on an idle system\n\n\
         | since the POST (ms) | p50 | p95 | least | most |\n|{}\n",
        all.len(),
        "---|".repeat(5)
    );
    let steps: [(&str, Value); 4] = [
        ("202 is here", |times| times.accepted),
        ("the source is asked for the bytes", |times| times.asked),
        ("their first byte comes", |times| times.first_byte),
        ("the caller hears `replicated`", |times| times.replicated),
    ];
    for (name, value) in steps {
        let values: Vec<f64> = all.iter().map(value).collect();
        let cells = [50, 95, 0, 100].map(|percent| format!("{:.0}", percentile(&values, percent)));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    text
}
