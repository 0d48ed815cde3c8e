//! What administrators see besides: everybody's copies, who works on what, and how long each queue is.

use anyhow::ensure;
use testbed::{Part, Region};

use crate::page::Scheme;
use crate::stage::{card, dashboard_of, turn};

#[tokio::test(flavor = "multi_thread")]
async fn administrators_see_all_projects_workers_and_queues() -> anyhow::Result<()> {
    let turn = turn().await?;
    let (hold, job) = turn.hold_a_copy().await?;
    let browser = dashboard_of(&turn, "admin", "admin").await?;
    browser.look(Scheme::Light, 1180).await?;
    // Of their own project they have none.
    browser
        .until_text("#nothing-runs", "No copy is under way")
        .await?;
    browser.click("#everybody").await?;
    browser.until_text(&card(&job), "large").await?;

    browser.click("#to-operations").await?;
    browser.until_text("#workers", "ot2").await?;
    browser.until_text("#workers", "large").await?;
    browser.until_text("#workers", "copying").await?;
    browser
        .until_text("#tenants", &turn.here().project_id)
        .await?;
    let running = "[...document.querySelectorAll('#queues tbody tr')]
        .find((row) => row.cells[0].innerText === 'ot2')?.cells[2].innerText === '1'";
    browser.until("one copy runs into ot2", running).await?;
    browser.expect_accessible().await?;
    browser.keep("operations").await?;

    // Whoever is none sees no such thing, whatever is asked for.
    let tenants = dashboard_of(&turn, "alice", "proj-ot1").await?;
    tenants.eval("location.hash = '#operations'").await?;
    tenants.until_text("#running", "large").await?;
    for hidden in ["#to-operations", "#everybody-choice", "#view-operations"] {
        ensure!(tenants.text(hidden).await?.is_empty(), "{hidden} is shown");
    }
    tenants.expect_good_conduct(&turn.here().gateway_url)?;

    let canceled = turn.copies().cancel(&job).await?;
    canceled.expect_no_content()?;
    hold.release();
    turn.copies().until_final(&job).await?;
    browser
        .until_text("#no-workers", "No worker holds anything")
        .await?;
    browser.expect_good_conduct(&turn.here().gateway_url)?;
    turn.leave(&[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_a_queue() -> anyhow::Result<()> {
    let turn = turn().await?;
    let worker = Part::Worker(Region::Ot2, 1);
    turn.bed.stop(worker).await?;
    let image = turn.image("waits", 1).await?;
    let jobs = [turn.start(&image).await?, turn.start(&image).await?];
    let browser = dashboard_of(&turn, "admin", "admin").await?;
    browser.click("#to-operations").await?;
    let waiting = "[...document.querySelectorAll('#queues tbody tr')]
        .find((row) => row.cells[0].innerText === 'ot2')?.cells[1].innerText === '2'";
    browser.until("two copies wait for ot2", waiting).await?;
    for job in &jobs {
        turn.copies().cancel(job).await?.expect_no_content()?;
    }
    turn.bed.start(worker).await?;
    let waiting = waiting.replace("=== '2'", "=== '0'");
    browser.until("none waits", &waiting).await?;
    browser.expect_good_conduct(&turn.here().gateway_url)?;
    turn.here().delete_image(&image.id).await?;
    turn.leave(&[]).await
}
