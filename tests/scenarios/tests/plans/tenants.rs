//! Who sees and writes whose plans.

use anyhow::ensure;
use reqwest::Method;
use scenarios::Plans;
use serde_json::json;
use testbed::Region;
use uuid::Uuid;

use crate::stage::{action, daily, leave, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_project_has_its_plans_to_itself() -> anyhow::Result<()> {
    let turn = turn().await?;
    let alice = turn.here();
    let written = daily("private", &[action(&turn, ("image_name", "private"), 1)]);
    let plan = turn.plans().create(&written).await?;
    let before = turn.plans().show(&plan).await?;
    let rename = json!({"name": "mine now"});

    // carol asks for alice's project, then for alice's plan in her own.
    let carol = turn.bed.cloud("carol", Region::Ot1).await?;
    let prying = Plans::in_project(&carol, &alice.project_id);
    let listing = prying.send(prying.request(Method::GET, "/"));
    for refused in [
        listing.await?,
        prying.get(&plan).await?,
        prying.ask(&written).await?,
        prying.patch(&plan, &rename).await?,
        prying.event(&plan, "start").await?,
        prying.delete(&plan).await?,
    ] {
        refused.expect_plan_fault(403, &[&carol.project_id])?;
    }
    let own = Plans::of(&carol);
    for unknown in [
        own.get(&plan).await?,
        own.patch(&plan, &rename).await?,
        own.event(&plan, "start").await?,
        turn.plans().get(&Uuid::new_v4().to_string()).await?,
        turn.plans().get("no-id-at-all").await?,
    ] {
        unknown.expect_plan_fault(404, &[])?;
    }
    own.delete(&plan).await?.expect_no_content()?;
    ensure!(own.list("").await?.is_empty(), "carol has a plan");
    let everybodys = own.send(own.request(Method::GET, "/?all_projects=true"));
    everybodys
        .await?
        .expect_plan_fault(403, &["all_projects"])?;
    ensure!(turn.plans().show(&plan).await? == before, "it has changed");

    // A reader of the project looks on.
    let rita = turn.bed.cloud("rita", Region::Ot1).await?;
    let reader = Plans::of(&rita);
    ensure!(reader.show(&plan).await? == before, "shown another");
    let listed = reader.list("").await?;
    ensure!(
        listed.len() == 1 && listed[0]["job_id"] == plan.as_str(),
        "{listed:?}"
    );
    for refused in [
        reader.ask(&written).await?,
        reader.patch(&plan, &rename).await?,
        reader.event(&plan, "start").await?,
        reader.delete(&plan).await?,
    ] {
        refused.expect_plan_fault(403, &["roles"])?;
    }

    // An administrator sees everybody's.
    let admin = turn.bed.cloud("admin", Region::Ot1).await?;
    let all = Plans::of(&admin);
    ensure!(all.list("").await?.is_empty(), "of the administrators' own");
    let listed = all.list("?all_projects=true").await?;
    ensure!(
        listed.len() == 1 && listed[0]["job_id"] == plan.as_str(),
        "{listed:?}"
    );
    let there = Plans::in_project(&admin, &alice.project_id);
    ensure!(there.show(&plan).await? == before, "shown another");
    ensure!(turn.plans().show(&plan).await? == before, "it has changed");

    turn.plans().delete(&plan).await?.expect_no_content()?;
    turn.plans().delete(&plan).await?.expect_no_content()?;
    turn.plans().get(&plan).await?.expect_plan_fault(404, &[])?;
    leave(turn).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_role_at_the_destination_writes_no_plan() -> anyhow::Result<()> {
    let turn = turn().await?;
    let written = daily("not bob's", &[action(&turn, ("image_name", "any"), 1)]);
    let bob = turn.bed.cloud("bob", Region::Ot1).await?;
    let refused = Plans::of(&bob).ask(&written).await?;
    refused.expect_plan_fault(403, &["no role", turn.tenant()])?;
    leave(turn).await
}
