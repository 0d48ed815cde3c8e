//! A run that is short enough for every change, and still meets each kind of fault and each kind of victim.

use std::time::Duration;

use anyhow::ensure;
use chaos::run::{Plan, run};

/// Five rounds of seven faults.
const FAULTS: usize = 35;
const COPIES: u64 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_left_while_everything_breaks() -> anyhow::Result<()> {
    let report = run(Plan {
        seed: 1,
        length: Duration::ZERO,
        faults: FAULTS,
        copies: COPIES,
        release: false,
        plant: true,
    })
    .await?;
    testbed::say(format_args!("{report}"));
    ensure!(report.violations().is_empty(), "{report}");
    ensure!(report.faults() >= FAULTS, "{report}");
    ensure!(report.copies() >= 60, "{report}");
    Ok(())
}
