//! Everybody who calls: the seeded users with tokens for one project or another, and those without a token that counts.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use testbed::{
    Cloud, Region, SERVICE_USER, TestBed, USERS, eventually, http_client, issue_scoped_token,
};

/// How long a token of one second may take to run out.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody with a token, or without.
#[derive(Clone)]
pub(crate) struct Caller {
    /// What `rights.md` calls it.
    pub(crate) name: &'static str,
    /// The token that it shows.
    pub(crate) token: Option<String>,
    /// The project that it takes for its own; of a caller without a project that of alice, at whose things it aims.
    pub(crate) project: String,
}

/// Names of callers with their user and the project of their token.
const SCOPED: [(&str, &str, &str); 8] = [
    ("admin", "admin", "admin"),
    ("admin of service", "glance", "service"),
    ("alice", "alice", "proj-ot1"),
    ("bob", "bob", "proj-ot1"),
    ("rita, a reader", "rita", "proj-ot1"),
    ("carol of proj-ot2", "carol", "proj-ot2"),
    ("alice of proj-ot2", "alice", "proj-ot2"),
    ("service user", SERVICE_USER, "proj-ot1"),
];

/// All callers; `expired` is a token that has run out.
pub(crate) async fn all(bed: &TestBed, expired: String) -> anyhow::Result<Vec<Caller>> {
    let mut callers = Vec::new();
    for (name, user, project) in SCOPED {
        let cloud = bed.cloud_in(user, Region::Ot1, project).await?;
        callers.push(Caller {
            name,
            token: Some(cloud.token),
            project: cloud.project_id,
        });
    }
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let admins = bed.cloud("admin", Region::Ot1).await?;
    let unscoped = unscoped_token(&alice, "alice").await?;
    let system = json!({"system": {"all": true}});
    let password = password(SERVICE_USER)?;
    let system = issue_scoped_token(&admins.keystone_url, SERVICE_USER, password, &system).await?;
    for (name, token) in [
        ("token without a project", Some(unscoped)),
        ("token for the system", Some(system)),
        ("expired token", Some(expired)),
        (
            "made-up token",
            Some("gAAAAABnot-a-token-that-Keystone-gave".to_owned()),
        ),
        ("no token", None),
    ] {
        callers.push(Caller {
            name,
            token,
            project: alice.project_id.clone(),
        });
    }
    Ok(callers)
}

/// A token of alice that is not valid any more: from the time in which Keystone's tokens live for a second.
pub(crate) async fn expired_token(bed: &TestBed) -> anyhow::Result<String> {
    let (keystone, _) = bed
        .parts()
        .await?
        .into_iter()
        .find(|(part, _)| part.to_string() == "keystone")
        .context("no keystone")?;
    let usual = bed.options().token_expiration;
    bed.change_options(|options| options.token_expiration = Duration::from_secs(1))?;
    bed.restart(keystone).await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    bed.change_options(|options| options.token_expiration = usual)?;
    bed.restart(keystone).await?;
    eventually(PATIENCE, "the end of a token", || async {
        let answer = alice
            .keystone(reqwest::Method::GET, "/auth/projects")
            .send()
            .await?;
        anyhow::ensure!(answer.status() == 401, "{}", answer.status());
        Ok(())
    })
    .await?;
    Ok(alice.token)
}

async fn unscoped_token(cloud: &Cloud, user: &str) -> anyhow::Result<String> {
    let identity = json!({"methods": ["password"], "password": {"user": {
        "name": user, "domain": {"id": "default"}, "password": password(user)?,
    }}});
    // Without "unscoped", Keystone may give one for the user's default project.
    let body: Value = json!({"auth": {"identity": identity, "scope": "unscoped"}});
    let answer = http_client()?
        .post(format!("{}/auth/tokens", cloud.keystone_url))
        .json(&body)
        .send()
        .await?
        .error_for_status()?;
    let token = answer
        .headers()
        .get("x-subject-token")
        .context("no token")?;
    Ok(token.to_str()?.to_owned())
}

fn password(user: &str) -> anyhow::Result<&'static str> {
    let found = USERS.iter().find(|seeded| seeded.name == user);
    Ok(found.context("no such user")?.password)
}
