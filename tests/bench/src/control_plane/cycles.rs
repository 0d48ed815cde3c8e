//! How many copies a scheduler hands out and takes back: claim, first report on a progress stream, finish, as a worker
//! does it, without the copy between.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Wanted;
use super::copies::{Progress, claim, create_many, finish};
use super::ground::Ground;
use super::load::{Load, Until, load, timed};
use crate::process::cpu_of_family;

/// Workers at once.
const CROWD: usize = 32;
/// Tenants whose copies wait.
const TENANTS: usize = 50;

/// Milliseconds of one cycle.
struct Cycle {
    claim: f64,
    /// Claims that were told that there is no work, though there was.
    in_vain: u32,
    report: f64,
    finish: f64,
}

/// Measures one worker and many at one scheduler, and gives the table.
///
/// # Errors
/// When a step of a cycle fails.
pub(super) async fn measure(ground: &Ground, wanted: &Wanted) -> anyhow::Result<String> {
    let (channel, pid) = (&ground.schedulers[0], ground.pids.schedulers[0]);
    let mut text = format!(
        "### One scheduler: copies from claim to finish\n\n\
         | workers at once | copies | a second | claims in vain | claim p50 (ms) | p99 | first report p50 (ms) | p99 | finish p50 (ms) | p99 | all of it p50 (ms) | p99 | scheduler CPU-s per 1000 | Redis CPU-s per 1000 |\n|{}\n",
        "---|".repeat(14)
    );
    for at_once in [1, CROWD] {
        let count = wanted.cycles * if at_once == 1 { 1 } else { 5 };
        let jobs = create_many(channel, count, |job| format!("cycle-{}", job % TENANTS)).await?;
        let next = AtomicUsize::new(0);
        let before = (cpu_of_family(pid)?, cpu_of_family(ground.pids.redis)?);
        let cycles = load(at_once, Until::begun(count), async |_| {
            let job = jobs[next.fetch_add(1, Ordering::Relaxed)];
            let ((grant, in_vain), claim) = timed(claim(channel, job)).await?;
            let (_stream, report) = timed(async {
                let mut progress = Progress::open(channel, &grant).await?;
                while progress.next().await? == 0 {}
                Ok(progress)
            })
            .await?;
            let ((), finish) = timed(finish(channel, &grant)).await?;
            Ok(Cycle {
                claim,
                in_vain,
                report,
                finish,
            })
        });
        let cycles = cycles.await?;
        let scheduler = cpu_of_family(pid)?.saturating_sub(before.0);
        let redis = cpu_of_family(ground.pids.redis)?.saturating_sub(before.1);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", row(&cycles, scheduler, redis));
    }
    Ok(text)
}

fn row(cycles: &Load<Cycle>, scheduler: Duration, redis: Duration) -> String {
    let a_thousand = |spent: Duration| spent.as_secs_f64() / cycles.count() * 1e3;
    let in_vain: u32 = cycles.each.iter().map(|cycle| cycle.in_vain).sum();
    format!(
        "| {} | {} | {:.0} | {in_vain} | {} | {} | {} | {} | {:.2} | {:.2} |",
        cycles.callers,
        cycles.each.len(),
        cycles.a_second(),
        cycles.cells(|cycle| cycle.claim),
        cycles.cells(|cycle| cycle.report),
        cycles.cells(|cycle| cycle.finish),
        cycles.cells(|cycle| cycle.claim + cycle.report + cycle.finish),
        a_thousand(scheduler),
        a_thousand(redis),
    )
}
