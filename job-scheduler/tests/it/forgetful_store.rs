//! Redis is wiped or falls back to an older state under callers who watch: they hear what is so by now.

use std::sync::Arc;
use std::time::Duration;

use domain::JobId;
use job_scheduler::store::redis::RedisStore;
use proto::v1;
use service_kit::ManualClock;
use tonic::{Code, Streaming};

use crate::redis_server::RedisServer;
use crate::rig::{Rig, replicated};
use crate::sample::{at, settings, shape};

async fn rig(server: &RedisServer) -> Rig {
    let timeout = Duration::from_secs(5);
    let store = RedisStore::new(&server.url().into(), "test", timeout, shape(2));
    let store = Arc::new(store.expect("a URL"));
    Rig::on(store, settings(2), ManualClock::at(at(0))).await
}

async fn watch(
    rig: &Rig,
    job: Option<JobId>,
    after_sequence: Option<u64>,
) -> Streaming<v1::JobChange> {
    let request = v1::WatchJobsRequest {
        viewer: Rig::viewer("t1"),
        job_id: job.map(|id| id.to_string()),
        after_sequence,
    };
    let answer = rig.jobs.clone().watch_jobs(request).await;
    answer.expect("answered").into_inner()
}

async fn next(changes: &mut Streaming<v1::JobChange>) -> Result<Option<v1::JobChange>, Code> {
    let next = tokio::time::timeout(Duration::from_secs(20), changes.message());
    next.await.expect("in time").map_err(|status| status.code())
}

/// The job of the next change.
async fn told(changes: &mut Streaming<v1::JobChange>) -> Option<String> {
    let change = next(changes).await.expect("goes on").expect("goes on");
    change.job.map(|job| job.job_id)
}

#[tokio::test]
async fn whoever_watches_hears_of_new_jobs_after_the_store_was_wiped() {
    let server = RedisServer::start().await;
    let rig = rig(&server).await;
    let mut old = Vec::new();
    for _ in 0..5 {
        old.push(rig.create("t1").await);
    }
    let mut of_all = watch(&rig, None, None).await;
    assert_eq!(told(&mut of_all).await, None, "where it stands");
    let mut of_one = watch(&rig, Some(old[0]), None).await;
    assert_eq!(told(&mut of_one).await, Some(old[0].to_string()));

    server.ask::<()>("FLUSHALL").await;
    assert_eq!(next(&mut of_one).await, Ok(None), "the job is gone");
    let new = rig.create("t1").await;
    assert_eq!(told(&mut of_all).await, Some(new.to_string()));
    let mut resumed = watch(&rig, None, Some(5)).await;
    assert_eq!(told(&mut resumed).await, None, "where it stands");
    assert_eq!(told(&mut resumed).await, Some(new.to_string()));

    let grant = rig.claim().await.expect("work");
    assert_eq!(grant.job_id, new.to_string());
    rig.finish(&grant, replicated(&grant), &[]).await;
    let request = v1::ListJobsRequest {
        viewer: Rig::viewer("t1"),
        limit: 10,
        ..v1::ListJobsRequest::default()
    };
    let list = rig.jobs.clone().list_jobs(request).await;
    let list = list.expect("answered").into_inner().jobs;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].status(), v1::JobStatus::Replicated);
}

#[tokio::test]
async fn whoever_watches_a_job_hears_of_it_in_an_older_state() {
    let server = RedisServer::start().await;
    let rig = rig(&server).await;
    let id = rig.create("t1").await;
    let key = format!("test:job:{id}");
    let version: String = server.ask(&format!("HGET {key} v")).await;
    let record: String = server.ask(&format!("HGET {key} r")).await;
    let mut changes = watch(&rig, Some(id), None).await;
    let status = |change: v1::JobChange| change.job.map(|job| job.status());
    let mut next_status = async || next(&mut changes).await.map(|it| it.and_then(status));
    assert_eq!(
        next_status().await,
        Ok(Some(v1::JobStatus::ReplicateRequested))
    );
    rig.claim().await.expect("work");
    assert_eq!(next_status().await, Ok(Some(v1::JobStatus::Replicating)));
    server
        .ask::<()>(&format!("HSET {key} v {version} r {record}"))
        .await;
    assert_eq!(
        next_status().await,
        Ok(Some(v1::JobStatus::ReplicateRequested))
    );
}
