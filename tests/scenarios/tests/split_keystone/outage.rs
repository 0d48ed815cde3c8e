//! A Keystone that is down: what needs it waits or is told so, and nothing else.

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::{Answer, Copies};
use serde_json::json;
use testbed::{NewImage, Part, Region};

use crate::{bed_alone, keystone};

const WORKER: Part = Part::Worker(Region::Ot2, 1);
const NOT_AVAILABLE: &str = "The identity service of region ot2 is not available.";

#[tokio::test(flavor = "multi_thread")]
async fn without_the_destinations_keystone_nothing_is_promised_and_nothing_forgotten()
-> anyhow::Result<()> {
    let bed = bed_alone().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let there = bed.cloud("alice", Region::Ot2).await?;
    let neighbour = bed.project_id(Region::Ot1, "proj-ot2")?;
    let image = alice.make_image(&NewImage::named("delayed", 2)).await?;
    let copies = Copies::of(&alice);
    bed.stop(WORKER).await?;
    let job = copies.start(&image.id, &there.project_id).await?;

    bed.stop(keystone(Region::Ot2)).await?;
    let refused = copies.ask(&image.id, &there.project_id).await?;
    expect_unavailable(&refused, NOT_AVAILABLE)?;
    // Whether the other Keystone knows this tenant too can't be told, unless the request says which is meant.
    let refused = copies.ask(&image.id, &neighbour).await?;
    expect_unavailable(&refused, NOT_AVAILABLE)?;
    let within = json!({"image_id": image.id, "tenant_id_dst": neighbour, "region_id_dst": "ot1"});
    let at_home = copies.post(&within).await?.accepted_job()?;
    let stayed = copies.until_replicated(&at_home).await?;

    // The job that was accepted before is tried, and tried again.
    bed.start(WORKER).await?;
    copies
        .until(&job, "being tried", |job| {
            job["attempt"].as_u64() >= Some(1)
        })
        .await?;
    bed.start(keystone(Region::Ot2)).await?;
    let replicated = copies.until_replicated(&job).await?;
    let id = replicated["destination_image_id"]
        .as_str()
        .context("none")?;
    ensure!(there.sha512_of(id).await? == image.sha512, "{replicated}");

    there.delete_image(id).await?;
    let id = stayed["destination_image_id"].as_str().context("none")?;
    let owner = bed.cloud_in("alice", Region::Ot1, "proj-ot2").await?;
    owner.delete_image(id).await?;
    alice.delete_image(&image.id).await?;
    bed.check_leftovers().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_own_keystone_a_gateway_knows_only_whom_it_has_just_seen() -> anyhow::Result<()>
{
    let bed = bed_alone().await?;
    let known = bed.cloud("alice", Region::Ot1).await?;
    let unknown = bed.cloud("rita", Region::Ot1).await?;
    let list = async |cloud| Copies::of(cloud).list("").await;
    ensure!(list(&known).await?.status == 200, "alice is known");

    bed.stop(keystone(Region::Ot1)).await?;
    let refused = list(&unknown).await?;
    expect_unavailable(
        &refused,
        "The identity service cannot be asked about the token now. Try again later.",
    )?;
    // Seen a moment ago: still trusted.
    let shown = list(&known).await?;
    ensure!(shown.status == 200, "{shown}");
    let no_token = testbed::http_client()?
        .request(
            Method::GET,
            format!("{}{}", known.front_url, scenarios::JOBS),
        )
        .send()
        .await?;
    let no_token = Answer::read(no_token).await?;
    no_token.expect_fault(401, "Unauthorized", "Authentication required.")?;

    bed.start(keystone(Region::Ot1)).await?;
    let shown = list(&unknown).await?;
    ensure!(shown.status == 200, "{shown}");
    bed.check_leftovers().await
}

fn expect_unavailable(answer: &Answer, message: &str) -> anyhow::Result<()> {
    answer.expect_fault(503, "Service Unavailable", message)?;
    let wait: u64 = answer.header("retry-after").parse()?;
    ensure!(wait > 0, "{answer}");
    Ok(())
}
