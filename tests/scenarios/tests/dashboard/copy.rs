//! A copy that is started from the form and watched until it is there; and what is kept of it in the browser, which is nothing.

use anyhow::{Context, ensure};
use scenarios::Hold;
use serde_json::json;

use crate::stage::{card, copy_by_form, dashboard_of, password, text, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_started_and_followed_until_it_is_replicated() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("ubuntu-24.04", Hold::MEBIBYTES).await?;
    let hold = Hold::on(turn.bed)?;
    let browser = dashboard_of(&turn, "alice", "proj-ot1").await?;
    ensure!(browser.text("#region").await? == "ot1");
    ensure!(browser.text("#user").await? == "alice");

    let job = copy_by_form(&turn, &browser, "ubuntu-24.04").await?;
    let id = text(&job, "job_id")?;
    ensure!(job["destination_region_id"] == "ot2", "{job}");
    ensure!(job["destination_tenant_id"] == turn.tenant(), "{job}");
    let card = card(&id);
    browser.until_text(&card, "ubuntu-24.04").await?;
    browser.until_text(&card, "ot1 → ot2").await?;
    hold.until_held(&turn.copies(), &id).await?;
    // It stands still in the middle: some of it is there.
    let progress = format!("document.querySelector('{card} progress')?.value > 0");
    browser.until("the bar has moved", &progress).await?;
    browser.until_text(&card, "Copying").await?;
    browser.until_text(&card, "B/s").await?;

    hold.release();
    let row = "#history tbody tr:first-child";
    browser.until_text(row, "ubuntu-24.04").await?;
    browser.until_text(row, "Replicated").await?;
    browser
        .until_text("#announcer", "ubuntu-24.04 to ot2: Replicated.")
        .await?;
    browser
        .until(
            "the card is gone",
            &format!("!document.querySelector('{card}')"),
        )
        .await?;
    browser
        .until_text("#throughput-now", "24.0 MiB since")
        .await?;

    // Everything of it, with the image that it made.
    let done = turn.copies().until_replicated(&id).await?;
    let replica = text(&done, "destination_image_id")?;
    browser
        .click(&format!("#history [data-details='{id}']"))
        .await?;
    browser.until_text("#details", &replica).await?;
    browser.click("#details-close").await?;

    // Filters leave what fits.
    browser.choose("#filter-status", "Canceled").await?;
    let gone = format!("!document.querySelector(\"#history [data-details='{id}']\")");
    browser.until("it is filtered out", &gone).await?;
    browser.choose("#filter-status", "Any").await?;
    browser.fill("#filter-text", &image.id).await?;
    browser.until_text(row, "ubuntu-24.04").await?;
    let rows = browser
        .eval("document.querySelectorAll('#history tbody tr').length")
        .await?;
    ensure!(rows == 1, "{rows}");

    let kept = browser
        .eval("[localStorage.length, sessionStorage.length, document.cookie, location.href]")
        .await?;
    let address = format!("{}/dashboard", turn.here().gateway_url);
    ensure!(kept == json!([0, 0, "", address]), "{kept}");
    let profile = browser.expect_good_conduct(&turn.here().gateway_url)?;
    expect_nowhere(profile, password("alice")?)?;
    turn.here().delete_image(&image.id).await?;
    turn.leave(&[replica]).await
}

/// Fails when a file below the folder has the text in it.
fn expect_nowhere(folder: &std::path::Path, text: &str) -> anyhow::Result<()> {
    let mut folders = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            // A browser at work also takes files away.
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if let Ok(bytes) = std::fs::read(entry.path()) {
                files += 1;
                let mut windows = bytes.windows(text.len());
                let found = windows.any(|window| window == text.as_bytes());
                ensure!(!found, "{} has it", entry.path().display());
            }
        }
    }
    (files > 0)
        .then_some(())
        .context("the browser keeps nothing at all")
}
