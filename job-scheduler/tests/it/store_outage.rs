//! Redis goes away and comes back: calls fail fast meanwhile, and everything goes on by itself.

use std::sync::Arc;
use std::time::Duration;

use domain::{JobId, JobStatus};
use job_scheduler::store::redis::RedisStore;
use proto::v1;
use service_kit::ManualClock;
use tonic::Code;

use crate::redis_server::RedisServer;
use crate::rig::{Rig, replicated, report};
use crate::sample::{at, settings, shape};

#[tokio::test]
async fn a_redis_that_was_away_is_used_again_and_nothing_is_lost() {
    let mut server = RedisServer::start().await;
    let url = server.url().into();
    let store = RedisStore::new(&url, "test", Duration::from_secs(1), shape(2)).expect("a URL");
    let rig = Rig::on(Arc::new(store), settings(2), ManualClock::at(at(0))).await;
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
async fn a_full_redis_refuses_new_jobs_and_ends_old_ones() {
    let server = RedisServer::start().await;
    let url = server.url().into();
    let store = RedisStore::new(&url, "test", Duration::from_secs(1), shape(2)).expect("a URL");
    let rig = Rig::on(Arc::new(store), settings(2), ManualClock::at(at(0))).await;
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
