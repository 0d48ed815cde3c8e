//! What happens to callers whose token ends while they watch.

use std::time::Duration;

use anyhow::{Context, ensure};
use scenarios::{Copies, EventStream};
use testbed::{NewImage, Part, Region};

use crate::{bed_alone, keystone};

const WORKER: Part = Part::Worker(Region::Ot2, 1);
/// Long enough to open two streams with, short enough to wait for.
const SHORT: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_with_the_token_that_opened_them() -> anyhow::Result<()> {
    let bed = bed_alone().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = alice.make_image(&NewImage::named("slow", 1)).await?;
    let copies = Copies::of(&alice);
    bed.stop(WORKER).await?;
    let job = copies.start(&image.id, &tenant).await?;

    let usual = bed.options().token_expiration;
    bed.change_options(|options| options.token_expiration = SHORT)?;
    bed.restart(keystone(Region::Ot1)).await?;
    let brief = bed.cloud("alice", Region::Ot1).await?;
    bed.change_options(|options| options.token_expiration = usual)?;
    let with_brief = Copies::of(&brief);
    let mut all = with_brief.events("/events").await?;
    let mut one = with_brief.events(&format!("/{job}/events")).await?;
    let waiting = one.next_document().await?;
    ensure!(waiting["status"] == "replicate_requested", "{waiting}");
    expect_token_end(&mut one).await?;
    expect_token_end(&mut all).await?;
    // The gateway's cache doesn't keep the token alive either.
    let refused = with_brief.get(&job).await?;
    refused.expect_fault(401, "Unauthorized", "Authentication required.")?;

    // The job doesn't need the token that it was requested with.
    bed.restart(keystone(Region::Ot1)).await?;
    bed.start(WORKER).await?;
    let replicated = copies.until_replicated(&job).await?;
    let copy = replicated["destination_image_id"]
        .as_str()
        .context("none")?;
    let owner = bed.cloud("carol", Region::Ot2).await?;
    owner.delete_image(copy).await?;
    alice.delete_image(&image.id).await?;
    bed.check_leftovers().await
}

async fn expect_token_end(stream: &mut EventStream) -> anyhow::Result<()> {
    let last = stream.next().await?.context("no event")?;
    ensure!(last.name == "token_expired", "{last:?}");
    ensure!(stream.next().await?.is_none(), "an open end");
    Ok(())
}
