//! What happens when a token ends: while somebody looks, and before somebody signs in with it.

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::PATIENCE;
use testbed::eventually;

use crate::stage::{SUBMIT, open, password, sign_in, turn, until_live};

/// Long enough to sign in with, short enough to wait for.
const SHORT: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_token_and_goes_on_with_another() -> anyhow::Result<()> {
    let turn = turn().await?;
    let browser = open(&turn, "/dashboard").await?;
    browser.until_text("#entrance-title", "Sign in").await?;
    let parts = turn.bed.parts().await?;
    let mut parts = parts.into_iter().map(|(part, _)| part);
    let keystone = parts
        .find(|part| part.to_string() == "keystone")
        .context("none")?;
    let usual = turn.bed.options().token_expiration;
    turn.bed
        .change_options(|options| options.token_expiration = SHORT)?;
    turn.bed.restart(keystone).await?;
    let brief = turn.bed.cloud("alice", turn.here().region).await?;
    turn.bed
        .change_options(|options| options.token_expiration = usual)?;

    browser.click("[name=way][value=token]").await?;
    browser.fill("#token", &brief.token).await?;
    browser.click(SUBMIT).await?;
    until_live(&browser, async || browser.click(SUBMIT).await).await?;
    // The stream says when it is over, and the page asks for another.
    browser
        .until_text("#entrance-notice", "Your session has ended")
        .await?;
    ensure!(
        browser.text("#views").await?.is_empty(),
        "something is still shown"
    );
    turn.bed.restart(keystone).await?;

    eventually(PATIENCE, "the end of the token", || async {
        let answer = brief.keystone(Method::GET, "/auth/projects").send().await?;
        ensure!(answer.status() == 401, "{}", answer.status());
        Ok(())
    })
    .await?;
    browser.fill("#token", &brief.token).await?;
    browser.click(SUBMIT).await?;
    browser
        .until_text("#sign-in-error", "does not accept this token")
        .await?;
    browser.click("[name=way][value=password]").await?;
    sign_in(&browser, "alice", password("alice")?, "").await?;
    until_live(&browser, async || browser.click(SUBMIT).await).await?;
    let here = browser
        .eval("document.getElementById('project').value")
        .await?;
    ensure!(
        here == turn.here().project_id,
        "another project than before: {here}"
    );
    browser.expect_good_conduct(&turn.here().gateway_url)?;
    turn.leave(&[]).await
}
