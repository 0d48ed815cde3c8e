//! The clock of plans moves for every scheduler, and stays moved.

use std::time::Duration;

use testbed::{Part, TestBed};

const AN_HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn the_plans_of_every_scheduler_are_set_ahead() -> anyhow::Result<()> {
    let bed = TestBed::builder()
        .schedulers(2)
        .movable_plan_clock()
        .start()
        .await?;
    bed.advance_plans(AN_HOUR).await?;
    bed.restart(Part::Scheduler(1)).await?;
    bed.advance_plans(24 * AN_HOUR).await?;
    let log = bed.log(Part::Scheduler(1))?;
    for hours in [1, 25] {
        let ahead = format!("ahead.milliseconds={}", hours * 3_600_000);
        assert!(log.contains(&ahead), "{hours} h: {log}");
    }
    bed.end().await
}
