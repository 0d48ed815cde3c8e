//! A cancel is asked about first.

use anyhow::ensure;

use crate::stage::{card, dashboard_of, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_canceled_when_that_is_confirmed() -> anyhow::Result<()> {
    let turn = turn().await?;
    let (hold, job) = turn.hold_a_copy().await?;
    let browser = dashboard_of(&turn, "alice", "proj-ot1").await?;
    let cancel = format!("{} button[aria-label='Cancel large']", card(&job));
    browser.click(&cancel).await?;
    browser
        .until_text("#cancel-text", "large is on its way to ot2")
        .await?;
    browser.click("#cancel-no").await?;
    browser
        .until(
            "the question is gone",
            "!document.getElementById('cancel-dialog').open",
        )
        .await?;
    let document = turn.copies().show(&job).await?;
    ensure!(document["status"] == "replicating", "{document}");

    browser.click(&cancel).await?;
    browser.click("#cancel-yes").await?;
    let canceling = |job: &serde_json::Value| job["status"] != "replicating";
    turn.copies()
        .until(&job, "being canceled", canceling)
        .await?;
    hold.release();
    let row = format!("#history tr:has([data-details='{job}'])");
    browser.until_text(&row, "Canceled").await?;
    let document = turn.copies().until_final(&job).await?;
    ensure!(document["status"] == "canceled", "{document}");
    browser.expect_good_conduct(&turn.here().gateway_url)?;
    turn.leave(&[]).await
}
