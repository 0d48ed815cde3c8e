//! Changes reach workers and callers, also when they were made on another scheduler.

use std::sync::Arc;
use std::time::Duration;

use domain::{JobId, UnitKind};
use job_scheduler::store::memory::MemoryStore;
use proto::v1;
use service_kit::ManualClock;
use tonic::Streaming;

use crate::rig::{Rig, cleaned, replicated, unit};
use crate::sample::{at, settings, shape, spec};

async fn two() -> (Rig, Rig) {
    let store = Arc::new(MemoryStore::new(shape(2)));
    let clock = ManualClock::at(at(0));
    let one = Rig::on(store.clone(), settings(2), clock.clone()).await;
    (one, Rig::on(store, settings(2), clock).await)
}

async fn watch(rig: &Rig, request: v1::WatchJobsRequest) -> Streaming<v1::JobChange> {
    let answer = rig.jobs.clone().watch_jobs(request).await;
    answer.expect("answered").into_inner()
}

async fn next(changes: &mut Streaming<v1::JobChange>) -> Option<v1::JobChange> {
    let next = tokio::time::timeout(Duration::from_secs(5), changes.message());
    next.await.expect("in time").expect("no error")
}

#[tokio::test]
async fn a_cancel_on_another_scheduler_reaches_the_worker() {
    let (one, two) = two().await;
    let id = one.create("t1").await;
    let grant = one.claim().await.expect("work");
    let mut progress = one.progress(&grant).await;
    progress.until(v1::Directive::Continue).await;
    two.cancel(id, "t1").await.expect("cancelable");
    let heard = tokio::time::timeout(
        Duration::from_secs(2),
        progress.until(v1::Directive::Cancel),
    );
    heard.await.expect("within two seconds");
}

#[tokio::test]
async fn many_reports_are_few_writes_and_each_is_counted() {
    let rig = Rig::start(settings(2)).await;
    let id = rig.create("t1").await;
    let grant = rig.claim().await.expect("work");
    let mut progress = rig.progress(&grant).await;
    let before = rig.load(id).await.version;
    for bytes in 0..50 {
        let report = crate::rig::report(&grant, bytes);
        progress.reports.send(report).await.expect("open");
    }
    while progress.next().await.reports_committed < 51 {}
    let stored = rig.load(id).await;
    assert_eq!(stored.record.bytes_copied, 49);
    assert!(
        stored.version - before <= 4,
        "{} writes",
        stored.version - before
    );
}

#[tokio::test]
async fn one_job_is_watched_to_its_end() {
    let (one, two) = two().await;
    let id = one.create("t1").await;
    let request = v1::WatchJobsRequest {
        viewer: Rig::viewer("t1"),
        job_id: Some(id.to_string()),
        after_sequence: None,
    };
    let mut changes = watch(&two, request).await;
    let status = |change: Option<v1::JobChange>| change.and_then(|it| it.job).map(|it| it.status());
    assert_eq!(
        status(next(&mut changes).await),
        Some(v1::JobStatus::ReplicateRequested)
    );
    let grant = one.claim().await.expect("work");
    assert_eq!(
        status(next(&mut changes).await),
        Some(v1::JobStatus::Replicating)
    );
    one.finish(&grant, replicated(&grant), &[]).await;
    assert_eq!(
        status(next(&mut changes).await),
        Some(v1::JobStatus::Replicated)
    );
    assert_eq!(status(next(&mut changes).await), None);
}

#[tokio::test]
async fn all_of_a_tenants_changes_can_be_resumed() {
    let (one, two) = two().await;
    let request = |after_sequence| v1::WatchJobsRequest {
        viewer: Rig::viewer("t1"),
        job_id: None,
        after_sequence,
    };
    let before = one.create("t1").await;
    let mut changes = watch(&two, request(None)).await;
    let position = next(&mut changes).await.expect("where it stands");
    let version = one.load(before).await.version;
    assert_eq!((position.job, position.sequence), (None, version));
    one.create("t2").await;
    let first = one.create("t1").await;
    let second = one.create("t1").await;
    let one_change = next(&mut changes).await.expect("a change");
    assert_eq!(
        one_change.job.map(|job| job.job_id),
        Some(first.to_string())
    );
    let other = next(&mut changes).await.expect("a change");
    assert_eq!(other.job.map(|job| job.job_id), Some(second.to_string()));
    one.cancel(first, "t1").await.expect("cancelable");
    let mut resumed = watch(&two, request(Some(one_change.sequence))).await;
    next(&mut resumed).await.expect("where it stands");
    let again = next(&mut resumed).await.expect("a change");
    assert_eq!(again.job.map(|job| job.job_id), Some(second.to_string()));
    let canceled = next(&mut resumed)
        .await
        .expect("a change")
        .job
        .expect("a job");
    assert_eq!(
        (canceled.job_id.clone(), canceled.status()),
        (first.to_string(), v1::JobStatus::Canceled)
    );
}

#[tokio::test]
async fn a_create_that_its_sender_gave_up_creates_nothing() {
    let rig = Rig::start(settings(2)).await;
    let id = JobId::generate();
    let request = |until| v1::CreateJobRequest {
        job_id: id.to_string(),
        spec: Some((&spec("ot1", "t1", "ot2")).into()),
        idempotency: None,
        not_after_ms: Some(at(until).as_millisecond()),
    };
    let late = rig.jobs.clone().create_job(request(-1)).await;
    assert_eq!(late.expect_err("given up").code(), tonic::Code::Aborted);
    assert!(rig.claim().await.is_none());
    let in_time = rig.jobs.clone().create_job(request(0)).await;
    in_time.expect("accepted");
}

#[tokio::test]
async fn pages_follow_each_other_and_stay_within_the_tenant() {
    let rig = Rig::start(settings(2)).await;
    let mut mine = Vec::new();
    for _ in 0..7 {
        rig.create("t2").await;
        mine.push(rig.create("t1").await.to_string());
    }
    let mut seen = Vec::new();
    let mut marker = None;
    loop {
        let request = v1::ListJobsRequest {
            viewer: Rig::viewer("t1"),
            statuses: vec![v1::JobStatus::ReplicateRequested.into()],
            limit: 3,
            marker: marker.clone(),
            oldest_first: false,
        };
        let page = rig
            .jobs
            .clone()
            .list_jobs(request)
            .await
            .expect("answered")
            .into_inner();
        seen.extend(page.jobs.into_iter().map(|job| job.job_id));
        marker = seen.last().cloned();
        if !page.has_more {
            break;
        }
    }
    seen.sort();
    mine.sort();
    assert_eq!(seen, mine);
}

#[tokio::test]
async fn a_cancel_of_a_job_that_lies_in_backoff_is_cleaned_by_any_worker() {
    let (one, two) = two().await;
    let id = one.create("t1").await;
    let grant = one.claim().await.expect("work");
    one.finish(&grant, crate::rig::failed(true), &[]).await;
    let canceled = two.cancel(id, "t1").await.expect("cancelable");
    assert_eq!(canceled.status(), v1::JobStatus::CancelRequested);
    let clean_up = two.claim().await.expect("work");
    assert_eq!(
        (unit(&clean_up).kind(), clean_up.cancel_requested),
        (UnitKind::CleanUp, true)
    );
    two.finish(&clean_up, cleaned(), &clean_up.leftovers).await;
    assert_eq!(
        one.load(id).await.record.status,
        domain::JobStatus::Canceled
    );
}
