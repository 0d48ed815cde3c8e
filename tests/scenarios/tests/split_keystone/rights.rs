//! Whose token counts where, and who somebody is in the other Keystone.

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::Copies;
use serde_json::{Value, json};
use testbed::{Cloud, NewImage, Region, issue_token};

use crate::bed;

const PASSWORD: &str = "dora-password";

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_needs_a_role_in_the_destinations_own_keystone() -> anyhow::Result<()> {
    let bed = bed().await?;
    let bob = bed.cloud("bob", Region::Ot1).await?;
    let image = bob.make_image(&NewImage::named("bob's", 1)).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let message = format!(
        "You have no role on tenant {tenant} in region ot2 that allows to copy images to it."
    );
    // bob exists there too, with a role on another project.
    let refused = Copies::of(&bob).ask(&image.id, &tenant).await?;
    refused.expect_fault(401, "Unauthorized", &message)?;
    bob.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_who_has_the_same_name_there_and_is_enabled() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let image = alice.make_image(&NewImage::named("dora's", 1)).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let message = format!(
        "You have no role on tenant {tenant} in region ot2 that allows to copy images to it."
    );

    // dora is known at home only.
    let home = bed.cloud("admin", Region::Ot1).await?;
    add_dora(&home, &alice.project_id, true).await?;
    let mut dora = alice.clone();
    dora.token = issue_token(&dora.keystone_url, "dora", PASSWORD, "proj-ot1").await?;
    let copies = Copies::of(&dora);
    let unknown = copies.ask(&image.id, &tenant).await?;
    unknown.expect_fault(401, "Unauthorized", &message)?;

    // Then there is a dora in ot2 as well, who may, but is disabled.
    let abroad = bed.cloud("admin", Region::Ot2).await?;
    let id = add_dora(&abroad, &tenant, false).await?;
    let disabled = copies.ask(&image.id, &tenant).await?;
    disabled.expect_fault(401, "Unauthorized", &message)?;

    let enable = abroad
        .keystone(Method::PATCH, &format!("/users/{id}"))
        .json(&json!({"user": {"enabled": true}}));
    enable.send().await?.error_for_status()?;
    let job = copies.start(&image.id, &tenant).await?;
    let replicated = copies.until_replicated(&job).await?;
    let copy = replicated["destination_image_id"]
        .as_str()
        .context("none")?;
    let owner = bed.cloud("carol", Region::Ot2).await?;
    owner.delete_image(copy).await?;
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_keystone_means_nothing_to_the_other_region() -> anyhow::Result<()> {
    let bed = bed().await?;
    let carol = bed.cloud("carol", Region::Ot2).await?;
    ensure!(Copies::of(&carol).list("").await?.status == 200, "at home");
    let mut astray = bed.cloud("alice", Region::Ot1).await?;
    astray.token.clone_from(&carol.token);
    let copies = Copies::of(&astray);
    let image = "33911588-c299-4369-a240-7e5b741cdb6a";
    for answer in [
        copies.ask(image, &carol.project_id).await?,
        copies.list("").await?,
        copies.get(image).await?,
        copies.cancel(image).await?,
    ] {
        answer.expect_fault(401, "Unauthorized", "Authentication required.")?;
    }
    // The challenge names the Keystone that counts here.
    let challenged = copies.send(copies.request(Method::GET, "")).await?;
    let expected = format!("Keystone uri=\"{}\"", astray.keystone_url);
    ensure!(
        challenged.header("www-authenticate") == expected,
        "{challenged}"
    );
    Ok(())
}

/// Adds dora, with the role `member` on a project, and returns her id.
async fn add_dora(admin: &Cloud, project: &str, enabled: bool) -> anyhow::Result<String> {
    let user = json!({"user": {
        "name": "dora", "password": PASSWORD, "domain_id": "default", "enabled": enabled,
    }});
    let made = admin.keystone(Method::POST, "/users").json(&user);
    let made: Value = made.send().await?.error_for_status()?.json().await?;
    let id = made["user"]["id"].as_str().context("no id")?;
    let roles = admin.keystone(Method::GET, "/roles?name=member");
    let roles: Value = roles.send().await?.error_for_status()?.json().await?;
    let member = roles["roles"][0]["id"].as_str().context("no such role")?;
    let grant = format!("/projects/{project}/users/{id}/roles/{member}");
    let granted = admin.keystone(Method::PUT, &grant).send().await?;
    granted.error_for_status()?;
    Ok(id.to_owned())
}
