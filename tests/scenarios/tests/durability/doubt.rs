//! Redis is set up so that it could lose a job, while it runs: the schedulers notice and refuse what is new, if they are
//! told to, and nothing else.

use anyhow::ensure;
use scenarios::{Hold, PATIENCE, Turn};
use serde_json::json;
use testbed::{Part, eventually};

use crate::stage::{refuse_what_could_be_lost, turn, until_accepted};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_new_is_accepted_while_it_could_be_lost_and_what_runs_goes_on() -> anyhow::Result<()>
{
    let turn = turn().await?;
    refuse_what_could_be_lost(&turn, true).await?;
    let image = turn.image("accepted in time", Hold::MEBIBYTES).await?;
    let hold = Hold::on(turn.bed)?;
    let running = until_accepted(&turn, &image).await?;
    hold.until_held(&turn.copies(), &running).await?;

    set_appendfsync(&turn, "everysec").await?;
    turn.until_noted("durability", "appendfsync is everysec")
        .await?;
    for scheduler in turn.schedulers() {
        let series = "image_replicator_scheduler_store_concerns{concern=\"sync\"}";
        let stands = turn.metric(scheduler, series).await?;
        ensure!(stands > 0.5, "{scheduler} counts no concern");
        let log = turn.bed.log(scheduler)?;
        ensure!(log.contains("redis could lose an accepted job"), "{log}");
    }
    let held = turn.copies().show(&running).await?;
    ensure!(held["status"] == "replicating", "{held}");
    hold.release();
    let refused = turn.ask(&image).await?;
    refused.expect_fault_naming(503, "Service Unavailable", &["Nothing new is accepted"])?;
    ensure!(refused.header("retry-after") == "60", "{refused}");
    let action = json!({"freezer_action": {
        "action": "backup", "mode": "glance-image", "image_name": "none",
        "tenant_id_dst": turn.tenant(), "region_id_dst": "ot2",
    }});
    let plan = json!({
        "name": "refused", "job_actions": [action],
        "job_schedule": {"schedule_hour": "3", "schedule_minute": "15"},
    });
    let refused = turn.plans().ask(&plan).await?;
    ensure!(refused.status == 503, "{refused}");
    ensure!(refused.header("retry-after") == "60", "{refused}");
    let document = turn.copies().until_replicated(&running).await?;
    let replica = turn.replicas().expect_whole(&document, &image).await?;

    set_appendfsync(&turn, "always").await?;
    turn.until_noted("durability", "accepted jobs are safe")
        .await?;
    let job = eventually(PATIENCE, "a job being accepted again", || async {
        turn.ask(&image).await?.accepted_job()
    })
    .await?;
    let document = turn.copies().until_replicated(&job).await?;
    let again = turn.replicas().expect_whole(&document, &image).await?;
    refuse_what_could_be_lost(&turn, false).await?;
    turn.leave(&[replica, again]).await
}

/// Sets `appendfsync` of the running Redis, and cuts connections: with the next the schedulers look.
pub(crate) async fn set_appendfsync(turn: &Turn, sync: &str) -> anyhow::Result<()> {
    let mut redis = turn.bed.redis_of(Part::Redis).await?;
    redis::cmd("CONFIG")
        .arg(&["SET", "appendfsync", sync])
        .query_async::<()>(&mut redis)
        .await?;
    redis::cmd("CLIENT")
        .arg(&["KILL", "TYPE", "normal"])
        .query_async::<()>(&mut redis)
        .await?;
    Ok(())
}
