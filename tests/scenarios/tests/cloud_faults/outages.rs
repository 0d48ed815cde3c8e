//! A Glance or the Keystone is down: the answer says which, and all is well when it is back.

use anyhow::ensure;
use scenarios::{Answer, Copies};
use testbed::{MadeImage, Part, Region, Sharing};

use crate::Turn;

/// Asks for a copy, as alice with a new token.
async fn ask(turn: &Turn, image: &MadeImage) -> anyhow::Result<Answer> {
    let alice = turn.alice().await?;
    Copies::of(&alice).ask(&image.id, &turn.tenant()?).await
}

/// What was refused during the outage is copied after it.
async fn expect_recovery(turn: Turn, image: &MadeImage) -> anyhow::Result<()> {
    let alice = turn.alice().await?;
    let copies = Copies::of(&alice);
    let job = copies.start(&image.id, &turn.tenant()?).await?;
    copies.until_replicated(&job).await?;
    turn.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_glance_that_is_down_is_named_by_its_region() -> anyhow::Result<()> {
    let turn = Turn::take().await?;
    let image = turn.image("waiting for Glance", 1).await?;
    // Behind its front it is a 502, without it nobody answers.
    for (part, region) in [
        (Part::Glance(Region::Ot1), "ot1"),
        (Part::Glance(Region::Ot2), "ot2"),
        (Part::Front(Region::Ot2), "ot2"),
    ] {
        turn.bed.stop(part).await?;
        let answer = ask(&turn, &image).await?;
        let text = format!("The image service of region {region} is not available.");
        answer.expect_fault(409, "Conflict", &text)?;
        turn.bed.start(part).await?;
    }
    expect_recovery(turn, &image).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_glances_that_are_down_the_sources_is_named() -> anyhow::Result<()> {
    let turn = Turn::take().await?;
    let image = turn.image("waiting for two", 1).await?;
    for region in Region::ALL {
        turn.bed.stop(Part::Glance(region)).await?;
    }
    ask(&turn, &image)
        .await?
        .expect_fault_naming(409, "Conflict", &["region ot1"])?;
    // Jobs are listed all the same.
    let alice = turn.alice().await?;
    Copies::of(&alice).list("").await?.json(200)?;
    for region in Region::ALL {
        turn.bed.start(Part::Glance(region)).await?;
    }
    expect_recovery(turn, &image).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keystone_the_caller_is_asked_to_come_back() -> anyhow::Result<()> {
    let keystone = Part::Keystone(Region::Ot1, Sharing::Shared);
    let turn = Turn::take().await?;
    let image = turn.image("waiting for Keystone", 1).await?;
    let (known, unknown) = (turn.alice().await?, turn.alice().await?);
    Copies::of(&known).list("").await?.json(200)?;
    turn.bed.stop(keystone).await?;

    for cloud in [&known, &unknown] {
        let answer = Copies::of(cloud).ask(&image.id, &turn.tenant()?).await?;
        answer.expect_fault_naming(503, "Service Unavailable", &["identity service"])?;
        let wait: u64 = answer.header("retry-after").parse()?;
        ensure!(wait > 0, "{answer}");
    }
    // A token that was validated a moment ago still is.
    Copies::of(&known).list("").await?.json(200)?;

    turn.bed.start(keystone).await?;
    expect_recovery(turn, &image).await
}
