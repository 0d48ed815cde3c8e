//! How soon a job begins, what it waits for until then, and what many small images cost next to a large one.
//!
//! For the first two, gateway and worker reach Keystone and both Glances through relays of this process, which see every
//! request and when its answer begins. They stay there, so this comes last of all that is measured on a test bed.

mod small;
mod spy;

use std::fmt::Write;

use anyhow::Context;
use testbed::{Part, Region};
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
#[derive(Debug, Clone)]
struct Times {
    accepted: f64,
    asked: f64,
    first_byte: f64,
    replicated: f64,
    requests: Vec<Request>,
}

/// A request that a service made on the way.
#[derive(Debug, Clone)]
struct Request {
    by: &'static str,
    line: String,
    /// When it was sent, and when its answer began: milliseconds since the POST.
    sent: f64,
    answered: f64,
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
pub(crate) async fn measure(stage: &Stage, wanted: Wanted) -> anyhow::Result<(Dispatch, String)> {
    let small = small::measure(stage, wanted).await?;
    let spies = spied_on(stage).await?;
    let image = stage.make(MIB).await?;
    // Not counted: connections and tokens are new.
    one(stage, &spies, &image).await?;
    let mut all = Vec::new();
    for _ in 0..wanted.copies {
        all.push(one(stage, &spies, &image).await?);
    }
    stage.remove(image).await?;
    all.sort_by(|a, b| a.first_byte.total_cmp(&b.first_byte));
    let first: Vec<f64> = all.iter().map(|times| times.first_byte).collect();
    let dispatch = Dispatch {
        p50: percentile(&first, 50),
        p95: percentile(&first, 95),
    };
    let typical = profile(&all[(all.len() - 1) / 2]);
    Ok((dispatch, format!("{}\n{typical}\n{small}", table(&all))))
}

/// Starts gateway and worker anew, each with relays of its own on its ways.
async fn spied_on(stage: &Stage) -> anyhow::Result<Vec<Spy>> {
    let mut spies = Vec::new();
    for (part, by) in [(Part::Gateway(Region::Ot1), "gateway"), (WORKER, "worker")] {
        let keystone = stage.source.keystone_url.trim_end_matches("/v3");
        let keystone = Spy::before(keystone, by).await?;
        let mut ways = String::new();
        for cloud in [&stage.source, &stage.destination] {
            let glance = Spy::before(&cloud.front_url, by).await?;
            // Writing to a String cannot fail.
            let _ = writeln!(
                ways,
                "[regions.{}]\nkeystone_url = '{}/v3'\nglance_url = '{}'",
                cloud.region,
                keystone.url(),
                glance.url()
            );
            spies.push(glance);
        }
        spies.push(keystone);
        stage.bed.change_options(|options| {
            options.part_config.insert(part.to_string(), ways);
        })?;
        stage.bed.restart(part).await?;
    }
    Ok(spies)
}

async fn one(stage: &Stage, spies: &[Spy], image: &SourceImage) -> anyhow::Result<Times> {
    spies.iter().for_each(Spy::forget);
    let started = Instant::now();
    let since = |then: Instant| then.saturating_duration_since(started).as_secs_f64() * 1e3;
    let copies = stage.copies();
    let tenant = &stage.destination.project_id;
    let job = copies.start(&image.id, tenant).await?;
    let accepted = since(Instant::now());
    let replica = job::until_replicated(stage, &job).await?;
    let replicated = since(Instant::now());
    stage.remove_replica(&replica).await?;
    let mut requests: Vec<Request> = Vec::new();
    for spy in spies {
        requests.extend(spy.seen().into_iter().filter_map(|seen| {
            Some(Request {
                by: spy.client(),
                line: seen.line,
                sent: since(seen.sent),
                answered: since(seen.answered?),
            })
        }));
    }
    requests.sort_by(|a, b| a.sent.total_cmp(&b.sent));
    let download = |request: &&Request| {
        request.by == "worker" && request.line.starts_with("GET") && request.line.ends_with("/file")
    };
    let download = requests.iter().find(download);
    let download = download.context("a copy without a download")?;
    Ok(Times {
        accepted,
        asked: download.sent,
        first_byte: download.answered,
        replicated,
        requests,
    })
}

/// What the services asked others during one copy.
fn profile(times: &Times) -> String {
    let mut text = format!(
        "The copy of the median, request by request (202 after {:.0} ms, `replicated` after {:.0} ms):\n\n\
         | sent after (ms) | answered within (ms) | by | request |\n|---|---|---|---|\n",
        times.accepted, times.replicated
    );
    for request in &times.requests {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {:.0} | {:.0} | {} | `{}` |",
            request.sent,
            request.answered - request.sent,
            request.by,
            request.line
        );
    }
    text
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
