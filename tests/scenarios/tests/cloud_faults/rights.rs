//! The service user lacks a right that a copy needs: the answer tells the operator which, where.

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::{Answer, Copies};
use serde_json::Value;
use testbed::{Cloud, MadeImage, Part, Region, SERVICE_USER, TestBed};

use crate::Turn;

/// The service user's role assignments, changed by an administrator.
struct ServiceUser<'a> {
    bed: &'a TestBed,
    admin: Cloud,
    id: String,
}

impl<'a> ServiceUser<'a> {
    async fn of(bed: &'a TestBed) -> anyhow::Result<Self> {
        Ok(Self {
            bed,
            admin: bed.cloud("admin", Region::Ot1).await?,
            id: bed.user_id(Region::Ot1, SERVICE_USER)?,
        })
    }

    /// The inherited role on every project of the domain, by which the service reads and writes images.
    async fn everywhere(&self, method: Method, role: &str) -> anyhow::Result<()> {
        let (user, role) = (&self.id, self.role(role).await?);
        let path =
            format!("/OS-INHERIT/domains/default/users/{user}/roles/{role}/inherited_to_projects");
        self.change(method, &path).await
    }

    /// A role on one project.
    async fn on(&self, project: &str, method: Method, role: &str) -> anyhow::Result<()> {
        let (user, role) = (&self.id, self.role(role).await?);
        let project = self.bed.project_id(Region::Ot1, project)?;
        self.change(
            method,
            &format!("/projects/{project}/users/{user}/roles/{role}"),
        )
        .await
    }

    /// The role on the system, by which the service looks up tokens, tenants and roles.
    async fn on_the_system(&self, method: Method, role: &str) -> anyhow::Result<()> {
        let (user, role) = (&self.id, self.role(role).await?);
        self.change(method, &format!("/system/users/{user}/roles/{role}"))
            .await
    }

    async fn role(&self, name: &str) -> anyhow::Result<String> {
        let path = format!("/roles?name={name}");
        let answer = self.admin.keystone(Method::GET, &path).send().await?;
        let roles: Value = answer.error_for_status()?.json().await?;
        let id = roles["roles"][0]["id"].as_str();
        Ok(id
            .with_context(|| format!("no role {name}: {roles}"))?
            .to_owned())
    }

    /// Makes the change and restarts the gateway, which holds tokens from before.
    async fn change(&self, method: Method, path: &str) -> anyhow::Result<()> {
        let status = self.admin.keystone(method, path).send().await?.status();
        ensure!(status.is_success(), "{path}: {status}");
        self.bed.restart(Part::Gateway(Region::Ot1)).await
    }
}

async fn ask(turn: &Turn, image: &MadeImage) -> anyhow::Result<Answer> {
    let alice = turn.alice().await?;
    Copies::of(&alice).ask(&image.id, &turn.tenant()?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_the_service_user_lacks_is_named() -> anyhow::Result<()> {
    let turn = Turn::take().await?;
    let image = turn.image("out of the service's reach", 1).await?;
    let service = ServiceUser::of(turn.bed).await?;
    let expect_conflict = async |lacks: &str, region: &str| -> anyhow::Result<()> {
        let text = format!("The service user image-replicator of region {region} {lacks}.");
        ask(&turn, &image)
            .await?
            .expect_fault(409, "Conflict", &text)
    };
    let (source, destination) = (turn.alice().await?.project_id, turn.tenant()?);

    service.everywhere(Method::DELETE, "member").await?;
    expect_conflict(&format!("has no role on tenant {source}"), "ot1").await?;
    service.on("proj-ot1", Method::PUT, "reader").await?;
    expect_conflict(&format!("may not read images of tenant {source}"), "ot1").await?;
    service.on("proj-ot1", Method::PUT, "member").await?;
    expect_conflict(&format!("has no role on tenant {destination}"), "ot2").await?;

    service.everywhere(Method::PUT, "member").await?;
    for role in ["reader", "member"] {
        service.on("proj-ot1", Method::DELETE, role).await?;
    }
    expect_accepted(turn, &image).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_user_who_may_not_look_up_tokens_is_not_the_callers_fault() -> anyhow::Result<()>
{
    let turn = Turn::take().await?;
    let image = turn.image("nobody can be asked", 1).await?;
    let service = ServiceUser::of(turn.bed).await?;
    service.on_the_system(Method::DELETE, "reader").await?;
    let answer = ask(&turn, &image).await?;
    answer.expect_fault_naming(503, "Service Unavailable", &["identity service"])?;
    let log = turn.bed.log(Part::Gateway(Region::Ot1))?;
    ensure!(log.contains("a token could not be validated"), "{log}");

    service.on_the_system(Method::PUT, "reader").await?;
    expect_accepted(turn, &image).await
}

async fn expect_accepted(turn: Turn, image: &MadeImage) -> anyhow::Result<()> {
    let alice = turn.alice().await?;
    let copies = Copies::of(&alice);
    let job = copies.start(&image.id, &turn.tenant()?).await?;
    copies.until_replicated(&job).await?;
    turn.end().await
}
