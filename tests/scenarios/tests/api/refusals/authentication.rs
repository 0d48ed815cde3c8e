//! Requests without a token that proves a project.

use anyhow::ensure;
use reqwest::Method;
use scenarios::{Answer, Copies, JOBS};
use serde_json::json;
use testbed::{Cloud, Region, http_client, issue_scoped_token};

use super::{AUTHENTICATION_REQUIRED, nowhere};
use crate::bed;

/// Every operation, as `method path-after-jobs`.
fn operations() -> [(Method, String); 6] {
    [
        (Method::POST, String::new()),
        (Method::GET, String::new()),
        (Method::GET, format!("/{}", nowhere())),
        (Method::DELETE, format!("/{}", nowhere())),
        (Method::GET, "/events".to_owned()),
        (Method::GET, format!("/{}/events", nowhere())),
    ]
}

fn expect_documented(answer: &Answer, keystone: &str) -> anyhow::Result<()> {
    answer.expect_fault(401, "Unauthorized", AUTHENTICATION_REQUIRED)?;
    ensure!(answer.body.len() == 44, "{answer}");
    let challenge = format!("Keystone uri=\"{keystone}\"");
    ensure!(answer.header("www-authenticate") == challenge, "{answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_every_operation_is_refused_in_44_bytes() -> anyhow::Result<()> {
    let alice = bed().await?.cloud("alice", Region::Ot1).await?;
    for (method, path) in operations() {
        let url = format!("{}{JOBS}{path}", alice.front_url);
        let answer = Answer::read(http_client()?.request(method, url).send().await?).await?;
        expect_documented(&answer, &alice.keystone_url)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_prove_no_project_are_refused_in_44_bytes() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let admin = |scope| async move {
        let keystone = &bed.cloud("admin", Region::Ot1).await?.keystone_url;
        issue_scoped_token(keystone, "admin", "admin-password", &scope).await
    };
    let revoked = bed.cloud("alice", Region::Ot1).await?;
    revoke(&revoked).await?;
    for (what, token) in [
        ("empty", String::new()),
        ("garbage", "nonsense".to_owned()),
        ("a UUID", nowhere()),
        ("larger than any token", "x".repeat(4000)),
        ("cut off", alice.token[..alice.token.len() - 1].to_owned()),
        ("revoked", revoked.token.clone()),
        ("unscoped", admin(json!("unscoped")).await?),
        (
            "of the system",
            admin(json!({"system": {"all": true}})).await?,
        ),
    ] {
        let mut nobody = alice.clone();
        nobody.token = token;
        for (method, path) in operations() {
            let copies = Copies::of(&nobody);
            let answer = copies.send(copies.request(method, &path)).await?;
            expect_documented(&answer, &alice.keystone_url).map_err(|error| error.context(what))?;
        }
    }
    Ok(())
}

async fn revoke(cloud: &Cloud) -> anyhow::Result<()> {
    let request = cloud
        .keystone(Method::DELETE, "/auth/tokens")
        .header("x-subject-token", &cloud.token);
    let status = request.send().await?.status();
    ensure!(status.is_success(), "{status}");
    Ok(())
}
