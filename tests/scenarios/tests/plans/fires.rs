//! A plan fires on its day: the image is copied once, and not again while its replica is as good.

use anyhow::ensure;
use uuid::Uuid;

use crate::stage::{action, daily, expect_run, fire, jobs, leave, points, replicas, turn};

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_copied_on_its_day_and_not_again_while_it_is_the_same() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("golden", 2).await?;
    let golden = action(&turn, ("image_id", &image.id), 2);
    let plans = turn.plans();
    let plan = plans.create(&daily("golden, daily", &[golden])).await?;
    let new = plans.show(&plan).await?;
    ensure!(new["status"] == "scheduled", "{new}");
    ensure!(
        new["started_at"].is_null() && new["last_run"].is_null(),
        "{new}"
    );
    let next = new["next_fire_at"].as_str().unwrap_or_default();
    ensure!(next.ends_with("T03:15:00.000000"), "{new}");

    let over = fire(&turn, &plan).await?;
    expect_run(&over, "success", &[])?;
    ensure!(over["status"] == "scheduled", "{over}");
    ensure!(
        over["started_at"].is_string() && over["ended_at"].is_string(),
        "{over}"
    );
    ensure!(over["job_schedule"]["result"] == "success", "{over}");
    let made = jobs(&over);
    ensure!(made.len() == 1, "{over}");
    let job = turn.copies().show(&made[0]).await?;
    let replica = turn.replicas().expect_whole(&job, &image).await?;
    let point = &over["recovery_points"][0];
    ensure!(points(&over) == [replica.as_str()], "{over}");
    for (key, value) in [
        ("region_id", "ot2"),
        ("tenant_id", turn.tenant()),
        ("source_image_id", &image.id),
        ("job_id", &made[0]),
    ] {
        ensure!(point[key] == value, "{key} is not {value}: {over}");
    }

    // The copy is a job like any other, and says whose it is.
    let listed = turn.copies().list("").await?.json(200)?;
    let listed = listed.as_array().into_iter().flatten();
    let mut listed = listed.filter(|one| one["job_id"] == made[0].as_str());
    let said = listed.next().and_then(|one| one["plan_id"].as_str());
    let said = said.map(Uuid::try_parse).transpose()?;
    ensure!(said == Some(Uuid::try_parse(&plan)?), "{job}");

    let again = fire(&turn, &plan).await?;
    expect_run(&again, "success", &["unchanged", &image.id, &replica])?;
    ensure!(jobs(&again).is_empty(), "copied again: {again}");
    ensure!(points(&again) == points(&over), "{again}");
    ensure!(replicas(&turn).await? == [replica].into(), "{again}");
    leave(turn).await
}
