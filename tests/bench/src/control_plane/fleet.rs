//! Two hundred workers that report the progress of their copies through two schedulers: connections and streams of their
//! own, the cadence of a real worker's heartbeat, and no copies.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use proto::v1;
use service_kit::config::Config;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::Wanted;
use super::copies::{Progress, claim, create_many, finish, report};
use super::ground::Ground;
use crate::process::cpu_of_family;
use crate::table::as_float;

/// Claims at once while the fleet is set up.
const AT_ONCE: usize = 32;
/// Workers at one scheduler each.
const WORKERS: usize = 200;

/// What the schedulers used, in processors, with a copy of each worker and with as many as a worker makes by default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fleet {
    pub(crate) one_copy: f64,
    pub(crate) all_copies: f64,
    pub(crate) copies: usize,
}

/// What was used over a while, in processors, and what was reported meanwhile, a second.
struct Used {
    schedulers: f64,
    redis: f64,
    sent: f64,
    committed: f64,
}

/// Counts of all streams.
#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    committed: AtomicU64,
}

/// Measures nobody, one copy a worker and all that a worker makes, and gives the table.
///
/// # Errors
/// When a report is refused.
pub(super) async fn measure(ground: &Ground, wanted: &Wanted) -> anyhow::Result<(Fleet, String)> {
    let config = Config::from_table(ground.configuration()?, [])?;
    let worker = config.worker()?;
    let (every, copies) = (worker.report_every, worker.copies.get());
    let mut text = format!(
        "### {WORKERS} workers that report every {every:?} through two schedulers\n\n\
         | copies under way | reports a second | committed a second | both schedulers (processors) | Redis (processors) |\n|{}\n",
        "---|".repeat(5)
    );
    let mut used = [0.0; 3];
    for (place, copies) in [0, 1, copies].into_iter().enumerate() {
        let measured = report_for(ground, copies, every, wanted.load).await?;
        used[place] = measured.schedulers;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.0} | {:.3} | {:.3} |",
            WORKERS * copies,
            measured.sent,
            measured.committed,
            measured.schedulers,
            measured.redis
        );
    }
    let [_, one_copy, all_copies] = used;
    let fleet = Fleet {
        one_copy,
        all_copies,
        copies,
    };
    Ok((fleet, text))
}

/// Has every worker make so many copies, and looks for a while at what their reports cost.
async fn report_for(
    ground: &Ground,
    copies: usize,
    every: Duration,
    length: Duration,
) -> anyhow::Result<Used> {
    let address = |worker: usize| worker % ground.schedulers.len();
    let workers: Vec<Channel> = (0..WORKERS)
        .map(|worker| ground.connection(address(worker)))
        .collect::<anyhow::Result<_>>()?;
    let count = WORKERS * copies;
    let jobs = create_many(&workers[0], count, |job| format!("fleet-{}", job % WORKERS)).await?;
    let granted: Vec<(Channel, v1::Grant)> = stream::iter(jobs.into_iter().enumerate())
        .map(|(job, id)| {
            let channel = workers[job % WORKERS].clone();
            async move {
                let (grant, _) = claim(&channel, id).await?;
                anyhow::Ok((channel, grant))
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let (counts, stop) = (Arc::new(Counts::default()), CancellationToken::new());
    let mut streams = JoinSet::new();
    for (place, (channel, grant)) in granted.iter().cloned().enumerate() {
        // Spread over a period, as workers that know nothing of each other are.
        let first = Instant::now() + every.mul_f64(as_float(place as u64) / as_float(count as u64));
        let beat = beat(channel, grant, first, every, Arc::clone(&counts));
        let stop = stop.clone();
        streams.spawn(async move { stop.run_until_cancelled_owned(beat).await.transpose() });
    }
    // Until each has reported.
    sleep(every * 4).await;
    let used = looked_at(ground, &counts, length).await?;
    stop.cancel();
    while let Some(ended) = streams.join_next().await {
        ended??;
    }
    stream::iter(granted)
        .map(anyhow::Ok)
        .try_for_each_concurrent(AT_ONCE, async |(channel, grant)| {
            finish(&channel, &grant).await
        })
        .await?;
    Ok(used)
}

/// Reports until it is dropped.
async fn beat(
    channel: Channel,
    grant: v1::Grant,
    first: Instant,
    every: Duration,
    counts: Arc<Counts>,
) -> anyhow::Result<()> {
    let mut progress = Progress::open(&channel, &grant).await?;
    let mut period = interval_at(first, every);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut bytes, mut committed) = (0, 0);
    loop {
        tokio::select! {
            told = progress.next() => {
                let told = told?;
                counts.committed.fetch_add(told - committed, Ordering::Relaxed);
                committed = told;
            }
            _ = period.tick() => {
                bytes += 1 << 20;
                if progress.reports.try_send(report(&grant, bytes)).is_ok() {
                    counts.sent.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

async fn looked_at(ground: &Ground, counts: &Counts, length: Duration) -> anyhow::Result<Used> {
    let read = || -> anyhow::Result<[f64; 4]> {
        let schedulers = ground.pids.schedulers.iter().map(|&pid| cpu_of_family(pid));
        let schedulers = schedulers.sum::<anyhow::Result<Duration>>()?;
        Ok([
            schedulers.as_secs_f64(),
            cpu_of_family(ground.pids.redis)?.as_secs_f64(),
            as_float(counts.sent.load(Ordering::Relaxed)),
            as_float(counts.committed.load(Ordering::Relaxed)),
        ])
    };
    let (before, began) = (read()?, Instant::now());
    sleep(length).await;
    let (after, seconds) = (read()?, began.elapsed().as_secs_f64());
    let a_second = |figure: usize| (after[figure] - before[figure]) / seconds;
    Ok(Used {
        schedulers: a_second(0),
        redis: a_second(1),
        sent: a_second(2),
        committed: a_second(3),
    })
}
