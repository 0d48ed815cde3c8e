//! A plan of a name copies the newest image of that name each day, and keeps the newest replicas.

use std::collections::BTreeSet;

use anyhow::ensure;

use crate::stage::{
    action, daily, expect_run, fire, jobs, leave, newest_image, points, turn, until_replicas,
};

#[tokio::test(flavor = "multi_thread")]
async fn of_a_new_image_each_day_the_newest_two_replicas_are_kept() -> anyhow::Result<()> {
    let turn = turn().await?;
    let nightly = action(&turn, ("image_name", "nightly"), 2);
    let plan = turn.plans().create(&daily("nightly", &[nightly])).await?;
    let mut made: Vec<String> = Vec::new();
    for day in 1..=4 {
        let image = newest_image(turn.here(), "nightly").await?;
        let over = fire(&turn, &plan).await?;
        expect_run(&over, "success", &[])?;
        let copies = jobs(&over);
        ensure!(copies.len() == 1, "day {day}: {over}");
        let job = turn.copies().show(&copies[0]).await?;
        made.insert(0, turn.replicas().expect_whole(&job, &image).await?);
        let kept: BTreeSet<String> = made.iter().take(2).cloned().collect();
        until_replicas(&turn, &kept).await?;
        let shown = points(&turn.plans().show(&plan).await?);
        ensure!(shown == made[..made.len().min(2)], "day {day}: {shown:?}");
    }
    for old in &made[2..] {
        turn.replicas().expect_gone(old).await?;
    }
    leave(turn).await
}
