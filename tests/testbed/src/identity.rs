//! The few Keystone calls that the test bed makes itself, written against the API and not with our own client, so
//! that a test's view of the cloud does not depend on what it tests.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::http;
use crate::secrets::is_searched_for;

/// A token of `user` (of the default domain), scoped to `project`, from the Keystone at `url` (ends in `/v3`).
///
/// # Errors
/// When Keystone is out of reach or refuses.
pub async fn issue_token(
    url: &str,
    user: &str,
    password: &str,
    project: &str,
) -> anyhow::Result<String> {
    let scope = json!({"project": {"name": project, "domain": {"id": "default"}}});
    issue_scoped_token(url, user, password, &scope).await
}

/// As [`issue_token`], with a scope as the Identity API v3 writes it, for example `{"system": {"all": true}}`.
///
/// # Errors
/// When Keystone is out of reach or refuses.
pub async fn issue_scoped_token(
    url: &str,
    user: &str,
    password: &str,
    scope: &Value,
) -> anyhow::Result<String> {
    let body = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": user, "domain": {"id": "default"}, "password": password,
        }}},
        "scope": scope,
    }});
    let answer = http::client()?
        .post(format!("{url}/auth/tokens"))
        .json(&body)
        .send()
        .await?;
    let status = answer.status();
    ensure!(
        status.is_success(),
        "Keystone refuses {user} a token for {scope}: {status}"
    );
    let token = answer
        .headers()
        .get("x-subject-token")
        .context("an answer without a token")?
        .to_str()?;
    is_searched_for(token)?;
    Ok(token.to_owned())
}

/// Has `token` validated by itself.
pub(crate) async fn validate(url: &str, token: &str) -> anyhow::Result<()> {
    let answer = http::client()?
        .get(format!("{url}/auth/tokens"))
        .header("x-auth-token", token)
        .header("x-subject-token", token)
        .send()
        .await?;
    ensure!(
        answer.status().is_success(),
        "Keystone does not validate: {}",
        answer.status()
    );
    Ok(())
}
