//! How often a job is written whose worker reports as fast as it can: counted by Redis itself, which tells a monitor
//! of each command that it runs, those of scripts too.

use std::time::Duration;

use anyhow::Context;
use futures::StreamExt;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::Wanted;
use super::copies::{Progress, claim, create, finish, report, spec};
use super::ground::Ground;
use crate::table::as_float;

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Writes {
    pub(crate) a_second: f64,
}

/// Reports for a while, and gives the table.
///
/// # Errors
/// When a report is refused, or Redis tells nothing.
pub(super) async fn measure(ground: &Ground, wanted: &Wanted) -> anyhow::Result<(Writes, String)> {
    let channel = &ground.schedulers[0];
    let job = create(channel, &spec("fast")).await?;
    let (grant, _) = claim(channel, job).await?;
    let client = redis::Client::open(ground.redis_url.as_str())?;
    let mut monitor = client
        .get_async_monitor()
        .await?
        .into_on_message::<String>();
    let record = format!("job:{job}\"");
    let (noticed, mut writes) = tokio::sync::mpsc::unbounded_channel();
    let _watching = AbortOnDropHandle::new(tokio::spawn(async move {
        while let Some(command) = monitor.next().await {
            let is_write = command.contains("\"HSET\"") && command.contains(&record);
            if is_write && noticed.send(Instant::now()).is_err() {
                return;
            }
        }
    }));

    let began = Instant::now();
    let Progress {
        reports,
        mut directives,
    } = Progress::open(channel, &grant).await?;
    let hearing = tokio::spawn(async move {
        while directives.message().await?.is_some() {}
        Ok::<(), tonic::Status>(())
    });
    let mut sent = 1_u64;
    while began.elapsed() < wanted.load {
        reports.send(report(&grant, sent)).await?;
        sent += 1;
    }
    let length = began.elapsed();
    // What was written since the last look is told in a moment; the stream is still open, so nothing more is written
    // for what is not.
    sleep(Duration::from_millis(200)).await;
    let mut seen = Vec::new();
    while let Ok(at) = writes.try_recv() {
        seen.push(at);
    }
    drop(reports);
    hearing.await??;
    finish(channel, &grant).await?;

    let (first, last) = seen
        .first()
        .zip(seen.last())
        .context("nothing was written")?;
    let between = as_float(seen.len() as u64 - 1);
    let a_second = between / last.duration_since(*first).as_secs_f64();
    let text = format!(
        "### One copy, reported as fast as can be\n\n\
         | reports | a second | writes of the job in Redis | from the first to the last, a second |\n|{}\n\
         | {sent} | {:.0} | {} | {a_second:.2} |\n",
        "---|".repeat(4),
        as_float(sent) / length.as_secs_f64(),
        seen.len(),
    );
    Ok((Writes { a_second }, text))
}
