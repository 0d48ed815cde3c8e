//! The test bed of this binary, and what its services' logs say.

use std::time::Duration;

use anyhow::{Context, ensure};
use jiff::Timestamp;
use scenarios::{Hold, Turn};
use testbed::{Part, Region, TestBed, eventually};
use tokio::sync::{Mutex, OnceCell};

/// Leases, polls and tickets are as long as in production, so that whatever waits for one is noticed. The gateways'
/// address looks at their readiness twice a second.
const CONFIG: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
drain_delay = '3s'
[scheduler]
retry_first = '500ms'
retry_longest = '2s'
[worker]
drain = '12s'
";

/// How long a line in a log may be waited for.
const PATIENCE: Duration = Duration::from_secs(60);

static BED: OnceCell<TestBed> = OnceCell::const_new();
static TURNS: Mutex<()> = Mutex::const_new(());

/// This test's turn on the test bed: two of everything.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    let builder = TestBed::builder()
        .two_gateways(Region::Ot1)
        .schedulers(2)
        .workers(Region::Ot1, 0)
        .workers(Region::Ot2, 2)
        .faulty_link(Hold::LINK)
        .config(CONFIG);
    let bed = BED.get_or_try_init(|| builder.start()).await?;
    Turn::take(bed, &TURNS).await
}

/// Both gateways, both schedulers and both workers, in this order.
pub(crate) fn everything() -> [Part; 6] {
    [
        Part::Gateway(Region::Ot1),
        Part::SecondGateway(Region::Ot1),
        Part::Scheduler(1),
        Part::Scheduler(2),
        Part::Worker(Region::Ot2, 1),
        Part::Worker(Region::Ot2, 2),
    ]
}

/// Stops a part, which must have drained, not been killed.
pub(crate) async fn drain(bed: &TestBed, part: Part) -> anyhow::Result<()> {
    let before = drains(bed, part)?;
    bed.stop(part).await?;
    ensure!(
        drains(bed, part)? == before + 1,
        "{part} was told to end and did not drain"
    );
    Ok(())
}

fn drains(bed: &TestBed, part: Part) -> anyhow::Result<usize> {
    Ok(bed.log(part)?.matches("has drained").count())
}

/// When a part wrote a line with each of `words`; waits for it.
pub(crate) async fn logged_at(
    bed: &TestBed,
    part: Part,
    words: &[&str],
) -> anyhow::Result<Timestamp> {
    let what = format!("{words:?} in the log of {part}");
    let line = eventually(PATIENCE, what, || async {
        let log = bed.log(part)?;
        let mut lines = log.lines();
        let line = lines.find(|line| words.iter().all(|word| line.contains(word)));
        line.map(str::to_owned).context("no such line")
    })
    .await?;
    let time = line.split_whitespace().next().unwrap_or_default();
    time.parse()
        .with_context(|| format!("no time begins: {line}"))
}

/// Fails when a scheduler has seen a lease run out.
pub(crate) fn expect_no_lost_lease(bed: &TestBed) -> anyhow::Result<()> {
    for number in 1..=2 {
        let log = bed.log(Part::Scheduler(number))?;
        let lost = log.lines().find(|line| line.contains("a lease ran out"));
        ensure!(lost.is_none(), "{lost:?}");
    }
    Ok(())
}
