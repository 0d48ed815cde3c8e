//! The test bed of this binary, and what its tests do to copies, workers and schedulers.

use std::time::Duration;

use anyhow::ensure;
use scenarios::{Hold, Turn};
use serde_json::Value;
use testbed::{MadeImage, Part, Region, TestBed, eventually};
use tokio::sync::{Mutex, OnceCell};

/// How long a lease lasts here.
pub(crate) const LEASE: Duration = Duration::from_secs(6);
/// How many schedulers there are.
pub(crate) const SCHEDULERS: u16 = 2;
/// The Glance that is read, which has no part in cleaning a destination.
pub(crate) const SOURCE: Part = Part::Glance(Region::Ot1);

/// How many workers copy into `ot2`.
const WORKERS: u16 = 3;

/// What takes minutes or hours in production takes seconds here, in the same proportions.
const CONFIG: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
[scheduler]
lease_length = '6s'
heartbeat = '1s'
serving_gap = '3s'
reconcile_every = '250ms'
retry_first = '500ms'
retry_longest = '2s'
[worker]
poll_shortest = '1s'
poll_longest = '2s'
report_every = '200ms'
drain = '9s'
";

/// How long a line in a log may be waited for.
const PATIENCE: Duration = Duration::from_secs(60);

static BED: OnceCell<TestBed> = OnceCell::const_new();
static TURNS: Mutex<()> = Mutex::const_new(());
static LARGE: OnceCell<MadeImage> = OnceCell::const_new();

/// This test's turn on the test bed.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    let builder = TestBed::builder()
        .schedulers(SCHEDULERS)
        .workers(Region::Ot1, 0)
        .workers(Region::Ot2, WORKERS)
        .faulty_link(Hold::LINK)
        .config(CONFIG);
    let bed = BED.get_or_try_init(|| builder.start()).await?;
    Turn::take(bed, &TURNS).await
}

/// All workers that copy into `ot2`.
pub(crate) fn workers() -> impl Iterator<Item = Part> {
    (1..=WORKERS).map(|number| Part::Worker(Region::Ot2, number))
}

/// A source image whose copy can be held; the same for all tests.
pub(crate) async fn large_image(turn: &Turn) -> anyhow::Result<&'static MadeImage> {
    let made = LARGE.get_or_try_init(|| turn.image("large", Hold::MEBIBYTES));
    made.await
}

/// Starts a copy of the large image, which stands still in the middle until it is let go.
pub(crate) async fn hold_a_copy(turn: &Turn) -> anyhow::Result<(Hold<'static>, String)> {
    let image = large_image(turn).await?;
    let hold = Hold::on(turn.bed)?;
    let job = turn.start(image).await?;
    let held = hold.until_held(&turn.copies(), &job).await?;
    ensure!(held["attempt"] == 1, "{held}");
    Ok((hold, job))
}

/// Waits until the job's attempt `attempt` is granted; it may have gone further.
pub(crate) async fn until_attempt(turn: &Turn, job: &str, attempt: u64) -> anyhow::Result<Value> {
    let copies = turn.copies();
    let granted = copies.until(job, "granted", |document| {
        document["attempt"].as_u64() >= Some(attempt)
    });
    granted.await
}

/// The worker that was granted attempt `attempt` of a job, as its log says.
pub(crate) fn worker_of(turn: &Turn, job: &str, attempt: u64) -> anyhow::Result<Part> {
    let attempt = format!("job.attempt={attempt} ");
    for part in workers() {
        let words = ["a unit is granted", job, attempt.as_str()];
        if logged(turn, part, &words)?.is_some() {
            return Ok(part);
        }
    }
    anyhow::bail!("no worker's log says that it was granted {attempt}of job {job}")
}

/// Fails when a scheduler has seen a lease of the job run out.
pub(crate) fn expect_no_lost_lease(turn: &Turn, job: &str) -> anyhow::Result<()> {
    for number in 1..=SCHEDULERS {
        let lost = logged(turn, Part::Scheduler(number), &["a lease ran out", job])?;
        ensure!(lost.is_none(), "{lost:?}");
    }
    Ok(())
}

/// Waits until a part's log has a line with each of `words`.
pub(crate) async fn until_logged(turn: &Turn, part: Part, words: &[&str]) -> anyhow::Result<()> {
    let what = format!("{words:?} in the log of {part}");
    eventually(PATIENCE, what, || async {
        ensure!(logged(turn, part, words)?.is_some(), "no such line");
        Ok(())
    })
    .await
}

/// Kills all schedulers.
pub(crate) async fn kill_schedulers(turn: &Turn) -> anyhow::Result<()> {
    for number in 1..=SCHEDULERS {
        turn.bed.kill(Part::Scheduler(number)).await?;
    }
    Ok(())
}

/// Starts them again.
pub(crate) async fn start_schedulers(turn: &Turn) -> anyhow::Result<()> {
    for number in 1..=SCHEDULERS {
        turn.bed.start(Part::Scheduler(number)).await?;
    }
    Ok(())
}

/// The first line of a part's log with each of `words`.
fn logged(turn: &Turn, part: Part, words: &[&str]) -> anyhow::Result<Option<String>> {
    let log = turn.bed.log(part)?;
    let mut lines = log.lines();
    let line = lines.find(|line| words.iter().all(|word| line.contains(word)));
    Ok(line.map(str::to_owned))
}
