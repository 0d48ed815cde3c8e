//! Redis goes away and comes back: calls fail fast meanwhile, and everything goes on by itself.

use std::sync::Arc;
use std::time::Duration;

use domain::{JobId, JobStatus, PlanId};
use jiff::{SignedDuration, Timestamp};
use job_scheduler::store::Store as _;
use job_scheduler::store::plans::PlanStore as _;
use job_scheduler::store::redis::RedisStore;
use job_scheduler::watch::ChangeFeed;
use proto::v1;
use service_kit::{Backoff, ManualClock};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use uuid::Uuid;

use crate::plan_bed::{action, creator, daily};
use crate::redis_server::RedisServer;
use crate::rig::{Rig, replicated, report};
use crate::sample::{at, settings, shape, spec};

#[tokio::test]
async fn a_redis_that_was_away_is_used_again_and_nothing_is_lost() {
    let mut server = RedisServer::start().await;
    let rig = Rig::on(store(&server), settings(2), ManualClock::at(at(0))).await;
    let mut waiting = vec![rig.create("t1").await, rig.create("t1").await];
    let grant = rig.claim().await.expect("work");
    let running: JobId = grant.job_id.parse().expect("an id");
    waiting.retain(|id| *id != running);
    let waiting = waiting[0];
    let mut progress = rig.progress(&grant).await;
    progress.until(v1::Directive::Continue).await;

    server.kill();
    for _ in 0..20 {
        let call = rig.create_as(JobId::generate(), "t1", None);
        let answer = tokio::time::timeout(Duration::from_secs(3), call).await;
        let refused = answer.expect("fast").expect_err("redis is away");
        assert_eq!(refused.code(), Code::Unavailable);
    }
    server.restart().await;

    let mut progress = eventually(async || {
        let mut progress = rig.progress(&grant).await;
        let next = progress.directives.message().await;
        next.ok().flatten().map(|_| progress)
    })
    .await;
    // A change made through another connection is heard: the subscription is back too.
    let next = rig.claim().await.expect("work");
    assert_eq!(next.job_id, waiting.to_string());
    rig.cancel(running, "t1").await.expect("cancelable");
    progress
        .reports
        .send(report(&grant, 2))
        .await
        .expect("open");
    progress.until(v1::Directive::Cancel).await;
    rig.finish(&next, replicated(&next), &[]).await;
    assert_eq!(rig.status(waiting).await, JobStatus::Replicated);
}

#[tokio::test]
async fn a_redis_that_hangs_is_given_up_in_time_and_used_again() {
    let server = RedisServer::start().await;
    let rig = Rig::on(store(&server), settings(2), ManualClock::at(at(0))).await;
    rig.create("t1").await;
    server.freeze(true);
    for _ in 0..3 {
        let call = rig.create_as(JobId::generate(), "t1", None);
        let answer = tokio::time::timeout(Duration::from_secs(4), call).await;
        let refused = answer.expect("in time").expect_err("redis hangs");
        assert_eq!(refused.code(), Code::Unavailable);
    }
    server.freeze(false);
    let call = async || {
        let created = rig.create_as(JobId::generate(), "t1", None).await;
        created.ok()
    };
    eventually(call).await;
}

#[tokio::test]
async fn a_subscription_to_a_redis_that_hangs_is_given_up_and_at_once_at_shutdown() {
    let server = RedisServer::start().await;
    server.freeze(true);
    let store = store(&server);
    let subscribed = tokio::time::timeout(Duration::from_secs(4), store.subscribe());
    assert!(subscribed.await.expect("in time").is_err());

    let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
    let shutdown = CancellationToken::new();
    let listening = ChangeFeed::default().run(store, backoff.expect("sound"), shutdown.clone());
    let listening = tokio::spawn(listening);
    tokio::time::sleep(Duration::from_millis(100)).await;
    shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_millis(500), listening);
    ended.await.expect("at once").expect("no panic");
    server.freeze(false);
}

#[tokio::test]
async fn two_schedulers_never_exceed_a_limit_between_them() {
    let server = RedisServer::start().await;
    let clock = ManualClock::at(at(0));
    let one = Rig::on(store(&server), settings(2), clock.clone()).await;
    let two = Rig::on(store(&server), settings(2), clock).await;
    for _ in 0..30 {
        one.create("t1").await;
    }
    let (mut done, mut running) = (0, Vec::new());
    while done < 30 {
        let (a, b, c, d) = tokio::join!(one.claim(), two.claim(), one.claim(), two.claim());
        running.extend([a, b, c, d].into_iter().flatten());
        assert!(running.len() <= 2);
        let grant = running.pop().expect("there is work until all is done");
        two.finish(&grant, replicated(&grant), &[]).await;
        done += 1;
    }
    assert!(one.claim().await.is_none());
}

#[tokio::test]
async fn a_create_that_a_frozen_scheduler_commits_too_late_creates_nothing() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let given_up = store.time().await.expect("answers") - SignedDuration::from_secs(1);
    // For a scheduler that was frozen after it had looked, it is still early.
    let looked = ManualClock::at(given_up - SignedDuration::from_secs(60));
    let rig = Rig::on(store, settings(2), looked).await;
    let request = |not_after: Timestamp| v1::CreateJobRequest {
        job_id: JobId::generate().to_string(),
        spec: Some((&spec("ot1", "t1", "ot2")).into()),
        idempotency: None,
        not_after_ms: Some(not_after.as_millisecond()),
    };
    let late = rig.jobs.clone().create_job(request(given_up)).await;
    assert_eq!(late.expect_err("given up").code(), Code::Aborted);
    assert!(rig.claim().await.is_none());
    let in_time = request(given_up + SignedDuration::from_secs(600));
    rig.jobs
        .clone()
        .create_job(in_time)
        .await
        .expect("accepted");
    assert!(rig.claim().await.is_some());
}

#[tokio::test]
async fn a_plan_that_a_frozen_scheduler_commits_too_late_does_not_come_to_be() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let given_up = store.time().await.expect("answers") - SignedDuration::from_secs(1);
    // For a scheduler that was frozen after it had looked, it is still early.
    let looked = ManualClock::at(given_up - SignedDuration::from_secs(60));
    let rig = Rig::on(store.clone(), settings(2), looked).await;
    let request = |not_after: Timestamp| v1::CreatePlanRequest {
        plan_id: PlanId::generate().to_string(),
        region_id: "ot1".to_owned(),
        tenant_id: "t1".to_owned(),
        creator: Some((&creator()).into()),
        document: Some((&daily(&[action(1, 1)])).into()),
        not_after_ms: Some(not_after.as_millisecond()),
    };
    let late = rig.plans.clone().create_plan(request(given_up)).await;
    assert_eq!(late.expect_err("given up").code(), Code::Aborted);
    assert_eq!(store.count_plans().await, Ok(0));
    let in_time = request(given_up + SignedDuration::from_secs(600));
    let accepted = rig.plans.clone().create_plan(in_time).await;
    accepted.expect("accepted");
    assert_eq!(store.count_plans().await, Ok(1));
}

/// A worker that had no answer asks again, and may reach another scheduler while the first is still at it.
#[tokio::test]
async fn a_claim_that_two_schedulers_answer_gets_the_same_grant_from_both() {
    let server = RedisServer::start().await;
    let clock = ManualClock::at(at(0));
    let one = Rig::on(store(&server), settings(2), clock.clone()).await;
    let two = Rig::on(store(&server), settings(2), clock).await;
    for _ in 0..30 {
        one.create("t1").await;
        let claim = Uuid::new_v4();
        let (first, second) = tokio::join!(one.claim_as(claim), two.claim_as(claim));
        let grant = first.expect("work");
        assert_eq!(Some(&grant), second.as_ref());
        one.finish(&grant, replicated(&grant), &[]).await;
    }
}

#[tokio::test]
async fn a_full_redis_refuses_new_jobs_and_ends_old_ones() {
    let server = RedisServer::start().await;
    let rig = Rig::on(store(&server), settings(2), ManualClock::at(at(0))).await;
    let id = rig.create("t1").await;
    let client = redis::Client::open(server.url()).expect("a URL");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("runs");
    let mut limit = redis::cmd("CONFIG");
    limit.arg("SET").arg("maxmemory").arg("1");
    limit.query_async::<()>(&mut connection).await.expect("set");

    let refused = rig
        .create_as(JobId::generate(), "t1", None)
        .await
        .expect_err("full");
    assert_eq!(refused.code(), Code::Unavailable);
    let grant = rig.claim().await.expect("work");
    rig.reconcile().await;
    rig.finish(&grant, replicated(&grant), &[]).await;
    assert_eq!(rig.status(id).await, JobStatus::Replicated);
}

fn store(server: &RedisServer) -> Arc<RedisStore> {
    let timeout = Duration::from_secs(1);
    let store = RedisStore::new(&server.url().into(), "test", timeout, shape(2));
    Arc::new(store.expect("a URL"))
}

/// Tries until it works, for ten seconds.
async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..100 {
        if let Some(value) = attempt().await {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it did not come back within ten seconds");
}
