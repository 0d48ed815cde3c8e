//! The rights of a plan's creator count at each fire.

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::Plans;
use serde_json::{Value, json};
use testbed::{Cloud, Region, issue_token};
use uuid::Uuid;

use crate::stage::{action, daily, expect_run, fire, jobs, leave, newest_image, replicas, turn};

const PASSWORD: &str = "dora-password";

/// A new user, whose roles an administrator gives and takes.
struct Dora {
    admin: Cloud,
    id: String,
    name: String,
    member: String,
}

impl Dora {
    async fn make(admin: Cloud) -> anyhow::Result<Self> {
        let name = format!("dora-{}", Uuid::new_v4().simple());
        let user = json!({"user": {"name": name, "password": PASSWORD, "domain_id": "default"}});
        let made = admin.keystone(Method::POST, "/users").json(&user);
        let made: Value = made.send().await?.error_for_status()?.json().await?;
        let id = made["user"]["id"].as_str().context("no id")?.to_owned();
        let roles = admin.keystone(Method::GET, "/roles?name=member");
        let roles: Value = roles.send().await?.error_for_status()?.json().await?;
        let member = roles["roles"][0]["id"].as_str().context("no such role")?;
        let member = member.to_owned();
        Ok(Self {
            admin,
            id,
            name,
            member,
        })
    }

    /// `PUT` gives the role `member` on a project, `DELETE` takes it.
    async fn role(&self, method: Method, project: &str) -> anyhow::Result<()> {
        let Self { id, member, .. } = self;
        let path = format!("/projects/{project}/users/{id}/roles/{member}");
        let answer = self.admin.keystone(method, &path).send().await?;
        answer.error_for_status()?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creator_who_lost_the_role_fails_the_run_until_it_is_given_back() -> anyhow::Result<()> {
    let turn = turn().await?;
    let dora = Dora::make(turn.bed.cloud("admin", Region::Ot1).await?).await?;
    let mut here = turn.here().clone();
    dora.role(Method::PUT, &here.project_id).await?;
    here.token = issue_token(&here.keystone_url, &dora.name, PASSWORD, "proj-ot1").await?;

    // Without the role, the plan cannot even be written.
    let written = daily("dora's", &[action(&turn, ("image_name", "of-dora"), 2)]);
    let refused = Plans::of(&here).ask(&written).await?;
    refused.expect_plan_fault(403, &[turn.tenant()])?;
    dora.role(Method::PUT, turn.tenant()).await?;
    let plan = Plans::of(&here).create(&written).await?;
    newest_image(turn.here(), "of-dora").await?;
    let works = fire(&turn, &plan).await?;
    expect_run(&works, "success", &[])?;
    ensure!(works["user_id"] == dora.id.as_str(), "{works}");

    newest_image(turn.here(), "of-dora").await?;
    dora.role(Method::DELETE, turn.tenant()).await?;
    let before = replicas(&turn).await?;
    let failed = fire(&turn, &plan).await?;
    expect_run(&failed, "fail", &[&dora.name, turn.tenant(), "ot2"])?;
    ensure!(
        jobs(&failed).is_empty() && failed["status"] == "scheduled",
        "{failed}"
    );
    ensure!(replicas(&turn).await? == before, "{failed}");

    dora.role(Method::PUT, turn.tenant()).await?;
    let works = fire(&turn, &plan).await?;
    expect_run(&works, "success", &[])?;
    ensure!(jobs(&works).len() == 1, "{works}");

    // The source counts as much.
    newest_image(turn.here(), "of-dora").await?;
    dora.role(Method::DELETE, &here.project_id).await?;
    let failed = fire(&turn, &plan).await?;
    expect_run(&failed, "fail", &[&dora.name, &here.project_id, "ot1"])?;
    ensure!(jobs(&failed).is_empty(), "{failed}");
    leave(turn).await
}
