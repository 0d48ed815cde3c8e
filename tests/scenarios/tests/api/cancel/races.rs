//! Cancels that meet each other, or the end of the copy: the first transition wins, and what was answered is true.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use futures::future::try_join_all;
use scenarios::Copies;
use serde_json::Value;
use testbed::Region;

use super::TOO_LATE;
use crate::bed;
use crate::waiting::{start_waiting, tiny_image};

#[tokio::test(flavor = "multi_thread")]
async fn of_many_cancels_at_once_one_is_accepted() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot1, "proj-ot2")?;
    let image = tiny_image(&alice, "canceled by many").await?;
    let copies = Copies::of(&alice);
    let job = start_waiting(&copies, &image.id, &tenant).await?;
    let answers = try_join_all((0..20).map(|_| copies.cancel(&job))).await?;
    let (accepted, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 204);
    ensure!(accepted.len() == 1, "{accepted:?}");
    for late in refused {
        late.expect_fault(409, "Conflict", TOO_LATE)?;
    }
    let canceled = copies.show(&job).await?;
    ensure!(canceled["status"] == "canceled", "{canceled}");
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_near_the_end_of_a_copy_is_obeyed_or_refused() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = tiny_image(&alice, "copied or not").await?;
    let copies = Copies::of(&alice);
    // Each is canceled a little later in its life than the one before.
    let ends = try_join_all((0..16).map(|looks| {
        let (copies, image, tenant) = (&copies, &image, &tenant);
        async move {
            let job = copies.start(&image.id, tenant).await?;
            for _ in 0..looks {
                copies.show(&job).await?;
            }
            let answer = copies.cancel(&job).await?;
            let expected = if answer.status == 204 {
                answer.expect_no_content()?;
                "canceled"
            } else {
                answer.expect_fault(409, "Conflict", TOO_LATE)?;
                "replicated"
            };
            let last = copies.until_final(&job).await?;
            ensure!(last["status"] == expected, "{expected}, not {last}");
            anyhow::Ok((job, last))
        }
    }))
    .await?;

    let owner = bed.cloud("admin", Region::Ot2).await?;
    let images = owner.images().await?;
    let made: BTreeMap<&str, &Value> = images
        .iter()
        .filter_map(|image| Some((image["replicated_by_job"].as_str()?, image)))
        .collect();
    for (job, last) in &ends {
        let there = made.get(job.as_str());
        if last["status"] == "canceled" {
            ensure!(there.is_none(), "{last} leaves {there:?}");
            continue;
        }
        let copy = there.with_context(|| format!("no image of {last}"))?;
        ensure!(
            copy["id"] == last["destination_image_id"],
            "{copy} of {last}"
        );
        ensure!(copy["status"] == "active", "{copy}");
        ensure!(copy["os_hash_value"] == image.sha512.as_str(), "{copy}");
        owner
            .delete_image(copy["id"].as_str().context("no id")?)
            .await?;
    }
    alice.delete_image(&image.id).await
}
