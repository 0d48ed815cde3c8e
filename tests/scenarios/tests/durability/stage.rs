//! The test bed of this binary, what its Redis is set up like, and what schedulers say of it.

use std::time::Duration;

use anyhow::{Context, ensure};
use scenarios::{AdminPort, Hold, Turn};
use testbed::{MadeImage, Part, Region, TestBed, eventually};
use tokio::sync::{Mutex, OnceCell};

/// How many schedulers there are.
const SCHEDULERS: u16 = 2;
/// How many workers copy into `ot2`.
const WORKERS: u16 = 2;

/// How long services may take to come back, or to say something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What takes minutes or hours in production takes seconds here, in the same proportions.
const CONFIG: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
[scheduler]
lease_length = '10s'
heartbeat = '1s'
serving_gap = '5s'
reconcile_every = '250ms'
ticket_first = '2s'
ticket_longest = '5s'
retry_first = '500ms'
retry_longest = '2s'
[worker]
poll_shortest = '1s'
poll_longest = '2s'
report_every = '200ms'
";

static BED: OnceCell<TestBed> = OnceCell::const_new();
static TURNS: Mutex<()> = Mutex::const_new(());

/// This test's turn on the test bed, whose Redis loses nothing.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    let builder = TestBed::builder()
        .schedulers(SCHEDULERS)
        .workers(Region::Ot1, 0)
        .workers(Region::Ot2, WORKERS)
        .faulty_link(Hold::LINK)
        .config(CONFIG);
    let bed = BED.get_or_try_init(|| builder.start()).await?;
    let turn = Turn::take(bed, &TURNS).await?;
    let options = bed.options();
    // A test that failed may have left another Redis behind, or schedulers that refuse everything.
    if !options.redis.is_empty() || appendfsync(bed).await? != "always" {
        start_redis_empty(bed, &[]).await?;
    }
    if options.config != CONFIG {
        configure(bed, "").await?;
    }
    Ok(turn)
}

/// When the running Redis says that it writes to its disk.
async fn appendfsync(bed: &TestBed) -> anyhow::Result<String> {
    let mut redis = bed.redis_of(Part::Redis).await?;
    let (_, value): (String, String) = redis::cmd("CONFIG")
        .arg(&["GET", "appendfsync"])
        .query_async(&mut redis)
        .await?;
    Ok(value)
}

/// Ends Redis, takes its data away and starts it with these directives instead of those that lose nothing.
pub(crate) async fn start_redis_empty(
    bed: &TestBed,
    directives: &[(&str, &str)],
) -> anyhow::Result<()> {
    bed.kill(Part::Redis).await?;
    std::fs::remove_dir_all(bed.directory().join("redis"))?;
    bed.change_options(|options| {
        let directives = directives.iter();
        options.redis = directives
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
    })?;
    bed.start(Part::Redis).await
}

/// Starts the schedulers anew with one more line in their section.
pub(crate) async fn configure(bed: &TestBed, line: &str) -> anyhow::Result<()> {
    let section = "[scheduler]\n";
    let config = CONFIG.replace(section, &format!("{section}{line}\n"));
    bed.change_options(|options| {
        options.config = if line.is_empty() {
            CONFIG.to_owned()
        } else {
            config
        }
    })?;
    for scheduler in schedulers() {
        bed.restart(scheduler).await?;
    }
    Ok(())
}

/// All schedulers.
pub(crate) fn schedulers() -> impl Iterator<Item = Part> {
    (1..=SCHEDULERS).map(Part::Scheduler)
}

/// All workers that copy into `ot2`.
pub(crate) fn workers() -> impl Iterator<Item = Part> {
    (1..=WORKERS).map(|number| Part::Worker(Region::Ot2, number))
}

/// Waits until every scheduler, ready all the same, says this in a line of its readiness report.
pub(crate) async fn until_noted(bed: &TestBed, name: &str, words: &str) -> anyhow::Result<()> {
    for scheduler in schedulers() {
        let admin = AdminPort::of(bed, scheduler)?;
        eventually(PATIENCE, format!("`{words}` at {scheduler}"), || async {
            let note = admin.note(name).await?;
            ensure!(note.contains(words), "{name}: {note}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// The value of a metric of a service.
pub(crate) async fn metric(bed: &TestBed, service: Part, series: &str) -> anyhow::Result<f64> {
    let (_, _, page) = AdminPort::of(bed, service)?.get("/metrics").await?;
    let line = page.lines().find_map(|line| line.strip_prefix(series));
    let value = line.with_context(|| format!("no {series}: {page}"))?;
    Ok(value.trim().parse()?)
}

/// Asks until a copy is accepted: the services have found the store again.
pub(crate) async fn until_accepted(turn: &Turn, image: &MadeImage) -> anyhow::Result<String> {
    eventually(PATIENCE, "a job being accepted", || async {
        turn.ask(image).await?.accepted_job()
    })
    .await
}
