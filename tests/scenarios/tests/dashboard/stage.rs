//! The test bed of this binary, and who opens the dashboard on it.

use anyhow::{Context, ensure};
use scenarios::{PATIENCE, Stage, Turn, quick_bed};
use serde_json::Value;
use testbed::{USERS, eventually};

use crate::browser::Browser;
use crate::page::quoted;

/// What sends the sign-in.
pub(crate) const SUBMIT: &str = "#sign-in [type=submit]";

static STAGE: Stage = Stage::new();

/// This test's turn on the test bed.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    STAGE.turn(|| quick_bed(1).start()).await
}

/// The page of this path at the gateway of `ot1`.
pub(crate) async fn open(turn: &Turn, path: &str) -> anyhow::Result<Browser> {
    let browser = Browser::start().await?;
    let url = format!("{}{path}", turn.here().gateway_url);
    browser.goto(&url).await?;
    Ok(browser)
}

/// The dashboard, where `user` has signed in to a project.
pub(crate) async fn dashboard_of(
    turn: &Turn,
    user: &str,
    project: &str,
) -> anyhow::Result<Browser> {
    let browser = open(turn, "/dashboard").await?;
    sign_in(&browser, user, password(user)?, project).await?;
    until_live(&browser, async || browser.click(SUBMIT).await).await?;
    Ok(browser)
}

/// Waits until somebody has signed in. Where a Keystone has too much to do, it is tried again, as the page says.
pub(crate) async fn until_live(
    browser: &Browser,
    again: impl AsyncFn() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    eventually(PATIENCE, "a session", || async {
        let refusal = browser.text("#sign-in-error").await?;
        if refusal.contains("Try again later") {
            again().await?;
        }
        let state = browser.text("#live").await?;
        ensure!(state == "Live", "{state:?}, {refusal:?}");
        Ok(())
    })
    .await
}

/// Fills in the sign-in and sends it.
pub(crate) async fn sign_in(
    browser: &Browser,
    user: &str,
    password: &str,
    project: &str,
) -> anyhow::Result<()> {
    browser.fill("#user-name", user).await?;
    browser.fill("#password", password).await?;
    browser.fill("#wanted-project", project).await?;
    browser.click(SUBMIT).await
}

/// The password of a seeded user.
pub(crate) fn password(user: &str) -> anyhow::Result<&'static str> {
    let found = USERS.iter().find(|seeded| seeded.name == user);
    Ok(found.context("no such user")?.password)
}

/// Asks for a copy of the image of this name by the form; the job.
pub(crate) async fn copy_by_form(
    turn: &Turn,
    browser: &Browser,
    image: &str,
) -> anyhow::Result<Value> {
    browser.click("#new-copy").await?;
    browser.choose("#image", image).await?;
    browser.choose("#to-region", "ot2").await?;
    browser.choose("#to-project", "proj-ot2").await?;
    browser.click("#copy-submit").await?;
    browser
        .until(
            "the form is closed",
            "!document.getElementById('copy-dialog').open",
        )
        .await?;
    newest_job(turn, image).await
}

/// The newest job that copies an image of this name.
pub(crate) async fn newest_job(turn: &Turn, image: &str) -> anyhow::Result<Value> {
    let jobs = turn.copies().list("").await?.json(200)?;
    let mut jobs = jobs.as_array().context("no list")?.iter();
    let newest = jobs.find(|job| job["source_image_name"] == image);
    newest.cloned().context("no job of the image")
}

/// A key of a job, which must be a text.
pub(crate) fn text(job: &Value, key: &str) -> anyhow::Result<String> {
    let text = job[key].as_str();
    Ok(text.with_context(|| format!("no {key}: {job}"))?.to_owned())
}

/// The card of a job that is under way.
pub(crate) fn card(job: &str) -> String {
    format!("[data-job={}]", quoted(job))
}
