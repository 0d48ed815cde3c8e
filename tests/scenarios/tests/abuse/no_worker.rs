//! Nobody copies into a region: jobs wait, the operator can see it, and they end when a worker comes or their time
//! is up.

use anyhow::ensure;
use testbed::Part;

use crate::stage::{SCHEDULER, WORKER, expect_error, turn};

const WAITING: &str = "image_replicator_scheduler_units_waiting{region=\"ot2\"}";
const RUNNING: &str = "image_replicator_scheduler_copies_running{region=\"ot2\"}";

/// A shorter time to wait for a worker than a week.
async fn restart_scheduler(bed: &testbed::TestBed, deadline: Option<&str>) -> anyhow::Result<()> {
    let name = Part::to_string(&SCHEDULER);
    bed.change_options(|options| {
        match deadline {
            Some(time) => {
                let toml = format!("[scheduler]\nqueue_deadline = '{time}'\n");
                options.part_config.insert(name, toml)
            }
            None => options.part_config.remove(&name),
        };
    })?;
    bed.restart(SCHEDULER).await
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_for_a_region_without_workers_wait_and_are_seen() -> anyhow::Result<()> {
    let (turn, _) = turn().await?;
    let image = turn.image("for nobody", 1).await?;
    turn.bed.stop(WORKER).await?;
    let waiting = turn.start(&image).await?;
    let document = turn.copies().show(&waiting).await?;
    ensure!(document["status"] == "replicate_requested", "{document}");
    turn.until_metric(SCHEDULER, WAITING, |count| count >= 1.0)
        .await?;
    turn.until_metric(SCHEDULER, RUNNING, |count| count < 1.0)
        .await?;
    let said = ["no worker takes", "ot2"];
    turn.until_logged(SCHEDULER, &said).await?;

    restart_scheduler(turn.bed, Some("2s")).await?;
    let given_up = turn.start(&image).await?;
    let words = ["no worker of the destination region", "in time"];
    expect_error(&turn, &given_up, "queue_deadline_exceeded", &words).await?;
    restart_scheduler(turn.bed, None).await?;

    turn.bed.start(WORKER).await?;
    let document = turn.copies().until_replicated(&waiting).await?;
    let replica = turn.replicas().expect_whole(&document, &image).await?;
    turn.until_metric(SCHEDULER, WAITING, |count| count < 1.0)
        .await?;
    turn.leave(&[replica]).await
}
