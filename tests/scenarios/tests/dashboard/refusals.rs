//! What is refused or fails is said where it was asked for, in the words of who refused.

use anyhow::ensure;
use testbed::{Part, Region};

use crate::stage::{
    SUBMIT, copy_by_form, dashboard_of, open, password, sign_in, text, turn, until_live,
};

const WORKER: Part = Part::Worker(Region::Ot2, 1);

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_refused_says_so_and_can_be_mended() -> anyhow::Result<()> {
    let turn = turn().await?;
    let browser = open(&turn, "/dashboard").await?;
    sign_in(&browser, "alice", "a-wrong-one", "").await?;
    browser
        .until_text("#sign-in-error", "check user, domain, password and project")
        .await?;
    // A project in which she has no role.
    sign_in(&browser, "alice", password("alice")?, "other").await?;
    browser
        .until_text("#sign-in-error", "check user, domain, password and project")
        .await?;
    ensure!(browser.text("#views").await?.is_empty(), "somebody is in");
    // Without a project: the first of hers; from there to the other.
    sign_in(&browser, "alice", password("alice")?, "").await?;
    until_live(&browser, async || browser.click(SUBMIT).await).await?;
    browser
        .until(
            "both are offered",
            "document.getElementById('project').length === 2",
        )
        .await?;
    browser.choose("#project", "proj-ot2").await?;
    let label = "document.getElementById('project').selectedOptions[0]?.label === 'proj-ot2'";
    browser.until("the other project is chosen", label).await?;
    browser.until_text("#live", "Live").await?;
    browser.click("#sign-out").await?;
    browser.until_text("#entrance-title", "Sign in").await?;
    let left = browser
        .eval("document.getElementById('password').value")
        .await?;
    ensure!(left == "", "a password is still there");
    browser.expect_good_conduct(&turn.here().gateway_url)?;
    turn.leave(&[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_refused_or_fails_says_why() -> anyhow::Result<()> {
    let turn = turn().await?;
    let (gone, goes) = (
        turn.image("debian-11", 1).await?,
        turn.image("debian-12", 1).await?,
    );
    let browser = dashboard_of(&turn, "alice", "proj-ot1").await?;

    // An image that goes while the form is open.
    browser.click("#new-copy").await?;
    browser.choose("#image", "debian-11").await?;
    browser.choose("#to-region", "ot2").await?;
    turn.here().delete_image(&gone.id).await?;
    browser.click("#copy-submit").await?;
    browser
        .until_text("#copy-error", "does not exist, or you may not download it")
        .await?;
    let role = browser
        .eval("document.getElementById('copy-error').getAttribute('role')")
        .await?;
    ensure!(role == "alert", "{role}");
    browser.click("#copy-close").await?;

    // One that goes before a worker comes to it.
    turn.bed.stop(WORKER).await?;
    let job = copy_by_form(&turn, &browser, "debian-12").await?;
    let id = text(&job, "job_id")?;
    turn.here().delete_image(&goes.id).await?;
    turn.bed.start(WORKER).await?;
    let row = format!("#history tr:has([data-details='{id}'])");
    browser.until_text(&row, "Failed").await?;
    let failed = turn.copies().until_final(&id).await?;
    let why = text(&failed["error"], "message")?;
    browser
        .click(&format!("#history [data-details='{id}']"))
        .await?;
    browser.until_text("#details-error", &why).await?;
    browser.expect_good_conduct(&turn.here().gateway_url)?;
    turn.leave(&[]).await
}
