//! Signed in by a token that somebody else has asked for, as a script in a larger one is.

use anyhow::ensure;
use reqwest::Method;
use scenarios::Turn;
use serde_json::Value;
use testbed::Region;

use crate::stage::{Run, command, finish, text, turn};

async fn with_token(turn: &Turn, token: &str, words: &[&str]) -> anyhow::Result<Run> {
    let mut command = command(turn, words)?;
    for (name, value) in [
        ("OS_AUTH_TYPE", "token"),
        ("OS_AUTH_URL", &turn.here().keystone_url),
        ("OS_TOKEN", token),
        ("OS_PROJECT_ID", &turn.here().project_id),
        ("OS_REGION_NAME", "ot1"),
    ] {
        command.env(name, value);
    }
    finish(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_signs_in_and_is_never_told() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("by token", 1).await?;
    let token = turn.here().token.clone();
    let words = ["copy", "by token", "--to", turn.tenant(), "--wait"];
    let words = [&words[..], &["--debug", "-f", "json"]].concat();
    let copied = with_token(&turn, &token, &words).await?;
    ensure!(
        copied.code == Some(0) && !format!("{copied:?}").contains(&token),
        "{copied:?}"
    );
    let job: Value = serde_json::from_str(&copied.printed)?;
    let made = text(&job, "destination_image_id")?;
    ensure!(
        turn.there().sha512_of(&made).await? == image.sha512,
        "{job}"
    );

    // Keystone's own words about a revoked token have it in them.
    let alice = turn.bed.cloud("alice", Region::Ot1).await?;
    let revoke = alice.keystone(Method::DELETE, "/auth/tokens");
    let revoke = revoke.header("x-subject-token", &alice.token);
    revoke.send().await?.error_for_status()?;
    for token in ["no-token-of-keystone", &alice.token] {
        let refused = with_token(&turn, token, &["list"]).await?;
        ensure!(
            refused.code == Some(3) && !refused.told.contains(token),
            "{refused:?}"
        );
    }
    turn.leave(&[made]).await
}
