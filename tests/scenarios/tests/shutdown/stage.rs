//! The test bed of this binary, and what its services' logs say.

use anyhow::{Context, ensure};
use jiff::Timestamp;
use scenarios::{Stage, Turn, holdable_bed};
use testbed::{Part, Region, TestBed};

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

static STAGE: Stage = Stage::new();

/// This test's turn on the test bed: two of everything.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    let builder = holdable_bed(2).two_gateways(Region::Ot1).config(CONFIG);
    STAGE.turn(|| builder.start()).await
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
    turn: &Turn,
    part: Part,
    words: &[&str],
) -> anyhow::Result<Timestamp> {
    let line = turn.until_logged(part, words).await?;
    let time = line.split_whitespace().next().unwrap_or_default();
    time.parse()
        .with_context(|| format!("no time begins: {line}"))
}
