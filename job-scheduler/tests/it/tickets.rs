//! When messages are due: once for each unit that could be granted, less and less often after that,
//! and at once when a slot gets free.

use std::time::Duration;

use domain::JobId;
use job_scheduler::store::TicketPace;

use crate::rig::{Rig, replicated};
use crate::sample::{planned, region, remove, settings, spec};

async fn take(rig: &Rig) -> Vec<JobId> {
    let pace = TicketPace {
        announced: Duration::from_secs(2),
        first: Duration::from_secs(30),
        longest: Duration::from_secs(60),
        stretch: 1.0,
        most: 100,
    };
    let jobs = rig.scheduler.jobs();
    let region = region("ot2");
    let taken = jobs.store.take_tickets(&region, jobs.now(), &pace).await;
    taken.expect("answers")
}

#[tokio::test]
async fn a_new_job_gets_its_message_from_the_gateway_first() {
    let rig = Rig::start(settings(2)).await;
    let id = rig.create("t1").await;
    assert_eq!(take(&rig).await, []);
    rig.pass(2).await;
    assert_eq!(take(&rig).await, [id]);
}

#[tokio::test]
async fn what_a_plan_needs_is_announced_by_nobody_and_gets_its_message_at_once() {
    let copied = spec("ot1", "t1", "ot2");
    for task in [remove(copied.clone()), planned(copied)] {
        let rig = Rig::start(settings(2)).await;
        let id = JobId::generate();
        let created = rig.create_for_plan(id, task);
        created.await.expect("accepted");
        assert_eq!(take(&rig).await, [id]);
    }
}

/// The message of the second is on its way from the gateway and not among those that are counted.
#[tokio::test]
async fn a_new_job_behind_an_old_one_is_left_to_the_gateway_too() {
    let rig = Rig::start(settings(2)).await;
    let old = rig.create("t1").await;
    rig.pass(2).await;
    let new = rig.create("t1").await;
    assert_eq!(take(&rig).await, [old]);
    rig.pass(1).await;
    assert_eq!(take(&rig).await, []);
    rig.pass(1).await;
    assert_eq!(take(&rig).await, [old, new]);
}

#[tokio::test]
async fn units_that_a_limit_blocks_get_none_until_a_slot_is_free() {
    let rig = Rig::start(settings(2)).await;
    for _ in 0..200 {
        rig.create("t1").await;
    }
    rig.pass(2).await;
    assert_eq!(take(&rig).await.len(), 2);
    let grant = rig.claim().await.expect("work");
    rig.claim().await.expect("work");
    rig.pass(25).await;
    assert_eq!(take(&rig).await, []);
    rig.finish(&grant, replicated(&grant), &[]).await;
    assert_eq!(take(&rig).await.len(), 1);
}

#[tokio::test]
async fn messages_come_less_and_less_often() {
    let rig = Rig::start(settings(2)).await;
    rig.create("t1").await;
    rig.pass(2).await;
    let mut moments = Vec::new();
    for second in 0..200 {
        if !take(&rig).await.is_empty() {
            moments.push(second);
        }
        rig.pass(1).await;
    }
    assert_eq!(moments, [0, 30, 90, 150]);
}

#[tokio::test]
async fn a_slot_of_the_destination_wakes_another_tenant() {
    // Four copies into a region at once, two of a tenant.
    let rig = Rig::start(settings(2)).await;
    for tenant in ["a", "b", "c"] {
        rig.create(tenant).await;
        rig.create(tenant).await;
    }
    let mut grants = Vec::new();
    while let Some(grant) = rig.claim().await {
        grants.push(grant);
    }
    assert_eq!(grants.len(), 4);
    rig.pass(2).await;
    assert_eq!(take(&rig).await, []);
    rig.finish(&grants[0], replicated(&grants[0]), &[]).await;
    assert_eq!(take(&rig).await.len(), 1);
}
