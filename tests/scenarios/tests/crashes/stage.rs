//! The test beds of this binary.

use scenarios::{Stage, Turn, quick_bed};
use serde_json::Value;
use testbed::{Part, Region};

/// How many workers copy into `ot2`.
const WORKERS: u16 = 3;
/// The Glance that is read, which has no part in cleaning a destination.
pub(crate) const SOURCE: Part = Part::Glance(Region::Ot1);

static STAGE: Stage<2> = Stage::new();

/// This test's turn on the test bed.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    STAGE.turn(|| quick_bed(WORKERS).start()).await
}

/// Waits until the job's attempt `attempt` is granted; it may have gone further.
pub(crate) async fn until_attempt(turn: &Turn, job: &str, attempt: u64) -> anyhow::Result<Value> {
    let copies = turn.copies();
    let granted = copies.until(job, "granted", |document| {
        document["attempt"].as_u64() >= Some(attempt)
    });
    granted.await
}
