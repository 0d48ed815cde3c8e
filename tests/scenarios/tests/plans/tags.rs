//! A plan of a tag copies every image that has it, each into a line of replicas of its own.

use std::collections::BTreeSet;

use anyhow::ensure;
use serde_json::json;
use testbed::{MadeImage, NewImage};

use crate::stage::{action, daily, expect_run, fire, jobs, leave, points, replicas, turn};
use scenarios::Turn;

async fn image(turn: &Turn, name: &str, tags: &[&str]) -> anyhow::Result<MadeImage> {
    let image = NewImage::named(name, 1).with("tags", json!(tags));
    turn.here().make_image(&image).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_image_of_a_tag_is_copied_and_keeps_its_own_replicas() -> anyhow::Result<()> {
    let turn = turn().await?;
    let mut tagged = vec![
        image(&turn, "web", &["protect", "blue"]).await?,
        image(&turn, "database", &["protect"]).await?,
    ];
    image(&turn, "scratch", &["protected"]).await?;
    let by_tag = action(&turn, ("image_tag", "protect"), 1);
    let plan = turn.plans().create(&daily("tagged", &[by_tag])).await?;

    let over = fire(&turn, &plan).await?;
    expect_run(&over, "success", &[])?;
    ensure!(jobs(&over).len() == 2, "{over}");
    let mut whole = BTreeSet::new();
    for job in jobs(&over) {
        let job = turn.copies().show(&job).await?;
        let source = tagged
            .iter()
            .find(|it| job["source_image_id"] == it.id.as_str());
        let source = source.ok_or_else(|| anyhow::anyhow!("not tagged: {job}"))?;
        whole.insert(turn.replicas().expect_whole(&job, source).await?);
    }
    ensure!(whole.len() == 2, "{over}");

    // A third one is the only news of the next day; a rotation of one is one for each image.
    tagged.push(image(&turn, "cache", &["protect"]).await?);
    let next = fire(&turn, &plan).await?;
    expect_run(
        &next,
        "success",
        &[&tagged[0].id, &tagged[1].id, "unchanged"],
    )?;
    ensure!(jobs(&next).len() == 1, "{next}");
    let job = turn.copies().show(&jobs(&next)[0]).await?;
    whole.insert(turn.replicas().expect_whole(&job, &tagged[2]).await?);
    let kept: BTreeSet<String> = points(&next).into_iter().collect();
    ensure!(kept == whole && replicas(&turn).await? == whole, "{next}");
    for image in &tagged {
        turn.here().delete_image(&image.id).await?;
    }
    leave(turn).await
}
