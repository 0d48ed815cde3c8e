//! Redis is wiped altogether: what copies have left behind is found by what the images themselves say, and removed when
//! asked. An image that only inherited what it says survives.

use anyhow::{Context, ensure};
use scenarios::image_of_attempt;
use serde_json::{Value, json};
use testbed::NewImage;

use crate::stage::{WORKER, admin, document, expect_audited, turn, wipe_redis};

#[tokio::test(flavor = "multi_thread")]
async fn after_redis_is_wiped_orphans_are_found_and_removed_and_a_snapshot_survives()
-> anyhow::Result<()> {
    let turn = turn().await?;
    // A finished replica, and one that is half-made when everything is forgotten.
    let image = turn.image("replicated", 1).await?;
    let finished = turn.start(&image).await?;
    let done = turn.copies().until_replicated(&finished).await?;
    let whole = turn.replicas().expect_whole(&done, &image).await?;
    let (hold, begun) = turn.hold_a_copy().await?;
    let half_made = image_of_attempt(&begun, 1)?;
    turn.bed.kill(WORKER).await?;
    wipe_redis(&turn).await?;
    hold.release();
    turn.bed.start(WORKER).await?;

    // What Nova makes of a machine that was booted from the replica: its properties are handed down.
    let replica = turn.there().image(&whole).await?.context("the replica")?;
    let mut snapshot = NewImage::named("a machine's snapshot", 1);
    for (key, value) in replica.as_object().into_iter().flatten() {
        if key.starts_with("replicated_") {
            snapshot = snapshot.with(key, value.clone());
        }
    }
    ensure!(snapshot.attributes["replicated_by_job"] == finished.as_str());
    let snapshot = turn.there().make_image(&snapshot).await?.id;

    let known = turn.image("known", 1).await?;
    let known = turn.start(&known).await?;
    let done = turn.copies().until_replicated(&known).await?;
    let known = done["destination_image_id"]
        .as_str()
        .context("no image")?
        .to_owned();

    // Nobody takes what is young for an orphan.
    let young = document(&turn, &["orphans", "ot2"]).await?;
    ensure!(young["orphans"] == json!([]), "{young}");
    let old = ["orphans", "ot2", "--older-than", "0s"];
    let found = document(&turn, &old).await?;
    ensure!(of(&found, &half_made)?["is_whole"] == false, "{found}");
    let listed = of(&found, &whole)?;
    ensure!(
        listed["is_whole"] == true && listed["job_id"] == finished.as_str(),
        "{found}"
    );
    for stays in [&snapshot, &known] {
        ensure!(of(&found, stays).is_err(), "{found}");
    }

    // Without another word only what is half-made goes, and what is whole when that is said.
    let remove = [&old[..], &["--remove", "--yes"]].concat();
    let removed = admin(&turn, &remove).await?;
    ensure!(removed.contains(&format!("{half_made}  yes")), "{removed}");
    turn.replicas().expect_gone(&half_made).await?;
    ensure!(turn.there().image(&whole).await?.is_some(), "{removed}");
    expect_audited(&turn, &["orphans --remove", &half_made, "success"])?;

    let protect = |on: bool| json!([{"op": "replace", "path": "/protected", "value": on}]);
    turn.there().patch_image(&whole, &protect(true)).await?;
    let remove_whole = [&remove[..], &["--whole", "--image", &whole]].concat();
    let kept = document(&turn, &remove_whole).await?;
    ensure!(kept["removals"] == json!([]), "{kept}");
    turn.there().patch_image(&whole, &protect(false)).await?;
    let removed = document(&turn, &remove_whole).await?;
    ensure!(removed["removals"][0]["fate"]["gone"] == true, "{removed}");
    turn.replicas().expect_gone(&whole).await?;

    // Once more: the snapshot says all that the replica said, and nothing is left to be found.
    let left = document(&turn, &[&remove[..], &["--whole", "--protected"]].concat()).await?;
    ensure!(
        left["orphans"] == json!([]) && left["removals"] == json!([]),
        "{left}"
    );
    for stays in [&snapshot, &known] {
        ensure!(
            turn.there().image(stays).await?.is_some(),
            "{stays} is gone"
        );
    }
    turn.leave(&[snapshot, known]).await
}

/// What was found of an image.
fn of<'a>(found: &'a Value, image: &str) -> anyhow::Result<&'a Value> {
    let orphans = found["orphans"].as_array().context("no list")?;
    let orphan = orphans.iter().find(|it| it["image_id"] == image);
    orphan.with_context(|| format!("{image} is not among them"))
}
