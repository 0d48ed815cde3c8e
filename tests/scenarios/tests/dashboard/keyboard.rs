//! Everything without a mouse: sign in, copy, cancel.

use anyhow::ensure;
use scenarios::Hold;

use crate::page::Key;
use crate::stage::{card, newest_job, open, password, text, turn, until_live};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_started_and_canceled_by_keyboard_alone() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("keyboard-image", Hold::MEBIBYTES).await?;
    let hold = Hold::on(turn.bed)?;
    let browser = open(&turn, "/dashboard").await?;
    browser
        .until(
            "the first field has the focus",
            "document.activeElement.id === 'user-name'",
        )
        .await?;
    browser.write("alice").await?;
    browser.tab_to("#password", 2).await?;
    browser.write(password("alice")?).await?;
    browser.tab_to("#wanted-project", 1).await?;
    browser.write("proj-ot1").await?;
    browser.press(Key::Enter).await?;
    until_live(&browser, async || browser.press(Key::Enter).await).await?;

    // From the content on, where a sign-in leaves the focus.
    browser.tab_to("#new-copy", 10).await?;
    browser.press(Key::Space).await?;
    browser
        .until(
            "images are offered",
            "document.getElementById('image').value !== ''",
        )
        .await?;
    browser.tab_to("#image", 10).await?;
    for _ in 0..50 {
        let chosen = "document.getElementById('image').selectedOptions[0].label.startsWith('keyboard-image')";
        if browser.eval(chosen).await? == true {
            break;
        }
        browser.press(Key::Down).await?;
    }
    browser.tab_to("#to-project", 3).await?;
    browser.tab_to("#copy-submit", 4).await?;
    browser.press(Key::Enter).await?;
    browser
        .until(
            "the form is closed",
            "!document.getElementById('copy-dialog').open",
        )
        .await?;
    let back = "document.activeElement.id === 'new-copy'";
    browser
        .until("the focus is back where it was", back)
        .await?;
    let job = newest_job(&turn, "keyboard-image").await?;
    let id = text(&job, "job_id")?;
    ensure!(job["destination_region_id"] == "ot2", "{job}");
    hold.until_held(&turn.copies(), &id).await?;

    let cancel = format!("{} button[aria-label^=Cancel]", card(&id));
    browser.tab_to(&cancel, 20).await?;
    browser.press(Key::Enter).await?;
    // The harmless answer comes first, and Escape is the same.
    browser
        .until("asked", "document.activeElement.id === 'cancel-no'")
        .await?;
    browser.press(Key::Escape).await?;
    browser
        .until(
            "the question is gone",
            "!document.getElementById('cancel-dialog').open",
        )
        .await?;
    let focused = format!(
        "document.activeElement.matches(\"{}\")",
        cancel.replace('"', "'")
    );
    browser
        .until("the focus is back where it was", &focused)
        .await?;
    browser.press(Key::Enter).await?;
    browser.tab_to("#cancel-yes", 3).await?;
    browser.press(Key::Enter).await?;
    let canceling = |job: &serde_json::Value| job["status"] != "replicating";
    turn.copies()
        .until(&id, "being canceled", canceling)
        .await?;
    hold.release();
    let row = format!("#history tr:has([data-details='{id}'])");
    browser.until_text(&row, "Canceled").await?;
    // What had the focus is gone: it is not lost.
    let somewhere = "document.activeElement !== document.body";
    browser.until("the focus is somewhere", somewhere).await?;
    browser.expect_good_conduct(&turn.here().gateway_url)?;
    turn.here().delete_image(&image.id).await?;
    turn.leave(&[]).await
}
