//! Everything is restarted, one after the other, while callers copy.

use anyhow::ensure;
use testbed::say;
use tokio::time::Instant;

use crate::load::Load;
use crate::stage::{drain, everything, turn};

/// What the callers copy, in MiB: some end at once, some are caught in the middle.
const SIZES: [u64; 5] = [1, 1, 2, 24, 48];

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_everything_costs_callers_no_error_and_no_job() -> anyhow::Result<()> {
    let turn = turn().await?;
    let mut images = Vec::new();
    for size in SIZES {
        images.push(turn.image("under load", size).await?);
    }
    let mut load = Load::start(turn.here(), &images, turn.tenant());
    load.until_answered_again().await?;
    for part in everything() {
        let told = Instant::now();
        drain(turn.bed, part).await?;
        say(format_args!(
            "{part} drained in {} ms",
            told.elapsed().as_millis()
        ));
        load.until_answered_again().await?;
        turn.bed.start(part).await?;
        load.until_answered_again().await?;
    }
    let ledger = load.end().await?;
    say(format_args!(
        "{} jobs accepted, {} event streams, answers by status: {:?}",
        ledger.accepted.len(),
        ledger.streams,
        ledger.answers
    ));

    // Whichever of the two gateways the first stream was at, it was restarted.
    ensure!(
        ledger.streams >= 2,
        "no stream was followed to another gateway"
    );
    let mut replicas = Vec::new();
    for (job, image) in &ledger.accepted {
        let document = turn.copies().until_replicated(job).await?;
        replicas.push(turn.replicas().expect_whole(&document, image).await?);
    }
    turn.expect_no_lost_lease(None)?;
    turn.leave(&replicas).await
}
