//! Plans with their next fires.

use anyhow::ensure;
use serde_json::json;

use crate::page::Scheme;
use crate::stage::{dashboard_of, text, turn};

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_shown_with_their_next_fires() -> anyhow::Result<()> {
    let turn = turn().await?;
    let action = json!({"freezer_action": {
        "action": "backup", "mode": "glance-image", "image_name": "golden",
        "tenant_id_dst": turn.tenant(), "region_id_dst": "ot2", "recovery_points_rotation": 3,
    }});
    let mut ids = Vec::new();
    for (name, schedule) in [
        ("weekly", json!({"schedule_interval": "1 weeks"})),
        (
            "nightly",
            json!({"schedule_hour": "2", "schedule_minute": "30"}),
        ),
    ] {
        let plan = json!({"name": name, "description": "Keeps what servers start from.",
            "job_schedule": schedule, "job_actions": [action]});
        ids.push(turn.plans().create(&plan).await?);
    }
    let browser = dashboard_of(&turn, "alice", "proj-ot1").await?;
    browser.look(Scheme::Light, 1180).await?;
    browser.click("#views [href='#plans']").await?;
    // The next to fire comes first.
    browser
        .until_text("#plans li:first-child", "nightly")
        .await?;
    let first = browser.text("#plans li:first-child").await?;
    for told in [
        "Scheduled",
        "every day at 02:30 UTC",
        "the newest golden",
        "the newest 3 are kept",
        "none yet",
    ] {
        ensure!(first.contains(told), "no {told:?}: {first}");
    }
    browser
        .until_text("#plans li:last-child", "every 1 weeks")
        .await?;
    let shown = browser
        .eval("document.querySelector('#plans li:last-child time').dateTime")
        .await?;
    let plan = turn.plans().show(&ids[0]).await?;
    let next = text(&plan, "next_fire_at")?;
    ensure!(shown == format!("{next}Z"), "{shown} instead of {next}");
    browser.expect_accessible().await?;
    browser.keep("plans").await?;
    for id in &ids {
        turn.plans().delete(id).await?.expect_no_content()?;
    }
    browser.click("#reload-plans").await?;
    browser.until_text("#no-plans", "has no plan").await?;
    browser.expect_good_conduct(&turn.here().gateway_url)?;
    turn.leave(&[]).await
}
