//! A plan's whole life, from the command line.

use anyhow::ensure;
use scenarios::PATIENCE;
use testbed::eventually;

use crate::stage::{document, printed, run, text, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_made_changed_started_stopped_and_deleted() -> anyhow::Result<()> {
    let turn = turn().await?;
    turn.image("planned", 1).await?;
    let words = [
        "plan",
        "create",
        "nightly",
        "--image-name",
        "planned",
        "--to",
        "proj-ot2",
        "--keep",
        "2",
    ];
    let words = [&words[..], &["--when", "hour=4", "minute=30"]].concat();
    let made = document(&turn, "one", &words).await?;
    ensure!(made["job_schedule"]["schedule_hour"] == "4", "{made}");
    let changed = [
        "plan",
        "update",
        "nightly",
        "--every",
        "6 hours",
        "--keep",
        "3",
        "--description",
        "d",
    ];
    let changed = document(&turn, "one", &changed).await?;
    ensure!(
        changed["job_schedule"]["schedule_interval"] == "6 hours",
        "{changed}"
    );
    let what = &changed["job_actions"][0]["freezer_action"];
    ensure!(
        what["recovery_points_rotation"] == 3 && what["image_name"] == "planned",
        "{changed}"
    );

    printed(&turn, "one", &["plan", "start", "nightly"]).await?;
    let ran = eventually(PATIENCE, "the plan's run", || async {
        let plan = document(&turn, "one", &["plan", "show", "nightly"]).await?;
        ensure!(plan["last_run"]["result"] == "success", "{plan}");
        Ok(plan)
    });
    let replica = text(&ran.await?["recovery_points"][0], "image_id")?;
    printed(&turn, "one", &["plan", "stop", "nightly"]).await?;
    let listed = printed(
        &turn,
        "one",
        &["plan", "list", "-f", "value", "-c", "name", "-c", "status"],
    )
    .await?;
    ensure!(listed.starts_with("nightly "), "{listed}");
    printed(&turn, "one", &["plan", "delete", "nightly"]).await?;
    let gone = run(&turn, "one", &["plan", "show", "nightly"]).await?;
    ensure!(gone.code == Some(4), "{gone:?}");
    turn.leave(&[replica]).await
}
