//! What a copy can be asked for besides: an identical one that is there already, and the region that is meant.

use anyhow::ensure;

use crate::stage::{document, run, text, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_there_already_is_taken() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("wanted once", 1).await?;
    let copy = ["copy", "wanted once", "--to", "proj-ot2", "--wait"];
    let reuse = [&copy[..], &["--reuse"]].concat();

    let first = document(&turn, "one", &reuse).await?;
    ensure!(first["bytes_copied"] == image.size, "{first}");
    let again = document(&turn, "one", &reuse).await?;
    let replica = text(&first, "destination_image_id")?;
    ensure!(
        again["destination_image_id"] == replica.as_str() && again["bytes_copied"] == 0,
        "{again}"
    );
    let another = document(&turn, "one", &copy).await?;
    let other = text(&another, "destination_image_id")?;
    ensure!(
        other != replica && another["bytes_copied"] == image.size,
        "{another}"
    );
    turn.leave(&[replica, other]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_region_that_is_named_is_meant() -> anyhow::Result<()> {
    let turn = turn().await?;
    turn.image("for a region", 1).await?;
    let to = |project, region| {
        let copy = ["copy", "for a region", "--to", project];
        [&copy[..], &["--to-region", region]].concat()
    };
    let words = [&to("proj-ot2", "ot2")[..], &["--wait"]].concat();
    let copied = document(&turn, "one", &words).await?;
    ensure!(copied["destination_region_id"] == "ot2", "{copied}");

    // Both regions share a Keystone, so a project is in either: without the region this would be the other one.
    for (project, region, told) in [
        ("proj-ot1", "ot1", "Source and destination are the same"),
        ("proj-ot2", "ot9", "Region ot9 is not known"),
    ] {
        let refused = run(&turn, "one", &to(project, region)).await?;
        ensure!(
            refused.code == Some(5) && refused.told.contains(told),
            "{refused:?}"
        );
    }
    turn.leave(&[text(&copied, "destination_image_id")?]).await
}
