//! A region is drained while copies run and wait.

use anyhow::ensure;
use scenarios::{AdminPort, Hold, Turn};
use testbed::{Part, eventually};

use crate::stage::{PATIENCE, SCHEDULERS, admin, document, expect_audited, refusal, region, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_region_finishes_what_runs_and_begins_nothing_until_it_is_undrained()
-> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("before a drain", Hold::MEBIBYTES).await?;
    let hold = Hold::on(turn.bed)?;
    let running = turn.start(&image).await?;
    hold.until_held(&turn.copies(), &running).await?;
    let drained = admin(&turn, &["region", "drain", "ot2", "--operator", "olga"]).await?;
    ensure!(drained.starts_with("region ot2 is drained"), "{drained}");
    expect_audited(&turn, &["olga", "region drain", "ot2", "done"])?;

    // A caller is not turned away, and what ran ends well.
    let waiting = turn.start(&image).await?;
    hold.release();
    let done = turn.copies().until_replicated(&running).await?;
    let first = turn.replicas().expect_whole(&done, &image).await?;
    for number in 1..=SCHEDULERS {
        until_metric(&turn, number, 1).await?;
        until_noted(&turn, number, "by olga: nothing of it is granted").await?;
    }

    // It outlives every scheduler, and Redis.
    for number in 1..=SCHEDULERS {
        turn.bed.kill(Part::Scheduler(number)).await?;
    }
    turn.bed.kill(Part::Redis).await?;
    turn.bed.start(Part::Redis).await?;
    for number in 1..=SCHEDULERS {
        turn.bed.start(Part::Scheduler(number)).await?;
        until_metric(&turn, number, 1).await?;
    }
    let usage = document(&turn, &["limits"]).await?;
    let ot2 = region(&usage, "ot2")?;
    ensure!(
        ot2["drain"]["operator"] == "olga" && ot2["running_into"] == 0,
        "{usage}"
    );
    ensure!(usage["tenants"][0]["waiting"] == 1, "{usage}");
    let shown = turn.copies().show(&waiting).await?;
    ensure!(
        shown["status"] == "replicate_requested" && shown["attempt"] == 0,
        "{shown}"
    );
    let refused = refusal(&turn, &["orphans", "ot2"]).await?;
    ensure!(refused.contains("undrain it first"), "{refused}");

    admin(&turn, &["region", "undrain", "ot2"]).await?;
    let done = turn.copies().until_replicated(&waiting).await?;
    let second = turn.replicas().expect_whole(&done, &image).await?;
    for number in 1..=SCHEDULERS {
        until_metric(&turn, number, 0).await?;
        until_noted(&turn, number, "no region").await?;
    }
    turn.leave(&[first, second]).await
}

/// Waits until a scheduler, ready all the same, says this of drained regions.
async fn until_noted(turn: &Turn, scheduler: u16, words: &str) -> anyhow::Result<()> {
    let part = Part::Scheduler(scheduler);
    let admin = AdminPort::of(turn.bed, part)?;
    eventually(PATIENCE, format!("`{words}` at {part}"), || async {
        let note = admin.note("drained").await?;
        ensure!(note.contains(words), "{note}");
        Ok(())
    })
    .await
}

/// Waits until a scheduler's metric says whether `ot2` is drained.
async fn until_metric(turn: &Turn, scheduler: u16, value: u8) -> anyhow::Result<()> {
    let line = format!("image_replicator_scheduler_region_drained{{region=\"ot2\"}} {value}");
    let part = Part::Scheduler(scheduler);
    let admin = AdminPort::of(turn.bed, part)?;
    eventually(PATIENCE, format!("{line} of {part}"), || async {
        let (_, _, page) = admin.get("/metrics").await?;
        ensure!(page.lines().any(|it| it == line), "it does not say so");
        Ok(())
    })
    .await
}
