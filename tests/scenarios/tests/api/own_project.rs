//! Projects that one test has to itself: with tags of its own, or with no jobs but its own.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use testbed::{Cloud, Region, TestBed, USERS, issue_token};
use uuid::Uuid;

/// A new project with these tags, in which alice is a member.
pub(crate) struct OwnProject {
    /// The id that Keystone gave it.
    pub(crate) id: String,
    name: String,
}

impl OwnProject {
    pub(crate) async fn make(bed: &TestBed, tags: &[&str]) -> anyhow::Result<Self> {
        let admin = bed.cloud("admin", Region::Ot1).await?;
        let name = format!("own-{}", Uuid::new_v4().simple());
        let body = json!({"project": {"name": name, "domain_id": "default", "tags": tags}});
        let made = admin.keystone(Method::POST, "/projects").json(&body);
        let made: Value = made.send().await?.error_for_status()?.json().await?;
        let id = made["project"]["id"].as_str().context("no id")?.to_owned();
        let project = Self { id, name };
        project.membership(bed, Method::PUT).await?;
        Ok(project)
    }

    /// `PUT` gives alice the role `member`, `DELETE` takes it.
    pub(crate) async fn membership(&self, bed: &TestBed, method: Method) -> anyhow::Result<()> {
        let admin = bed.cloud("admin", Region::Ot1).await?;
        let roles = admin.keystone(Method::GET, "/roles?name=member");
        let roles: Value = roles.send().await?.error_for_status()?.json().await?;
        let member = roles["roles"][0]["id"].as_str().context("no such role")?;
        let alice = bed.user_id(Region::Ot1, "alice")?;
        let grant = format!("/projects/{}/users/{alice}/roles/{member}", self.id);
        let done = admin.keystone(method, &grant).send().await?;
        done.error_for_status()?;
        Ok(())
    }

    /// alice with a token for this project.
    pub(crate) async fn alice(&self, bed: &TestBed, region: Region) -> anyhow::Result<Cloud> {
        let mut alice = bed.cloud("alice", region).await?;
        let user = USERS.iter().find(|user| user.name == "alice");
        let password = user.context("no alice")?.password;
        alice.token = issue_token(&alice.keystone_url, "alice", password, &self.name).await?;
        alice.project_id.clone_from(&self.id);
        Ok(alice)
    }
}
