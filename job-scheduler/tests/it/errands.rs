//! What plans need done, as workers see it; and that callers see nothing of it.

use std::time::Duration;

use domain::{JobId, JobStatus, ReplicaFate, UnitKind};
use futures::StreamExt;
use jiff::SignedDuration;
use job_scheduler::store::{ChangeNotice, Due, Scope};
use job_scheduler::task::{ErrandResult, Task};
use proto::v1::{self, FinishVerdict, finish_request};
use tonic::Code;

use crate::rig::{Rig, failed, replicated, unit};
use crate::sample::{planned, remove, resolve, settings, spec};

async fn create(rig: &Rig, task: Task) -> JobId {
    let id = JobId::generate();
    let created = rig.create_for_plan(id, task).await;
    created.expect("accepted");
    id
}

async fn news(rig: &Rig) -> Vec<JobId> {
    let jobs = rig.scheduler.jobs();
    let due = jobs.store.due(Due::PlanNews, jobs.now(), 100).await;
    due.expect("answers")
}

#[tokio::test]
async fn an_errand_is_done_and_waits_for_its_plan_to_hear_of_it() {
    let rig = Rig::start(settings(2)).await;
    let id = create(&rig, resolve(spec("ot1", "t1", "ot2"))).await;
    let again = rig.create_for_plan(id, resolve(spec("ot1", "t1", "ot2")));
    again.await.expect("it stands");
    let grant = rig.claim().await.expect("work");
    assert_eq!(unit(&grant).kind(), UnitKind::Resolve);
    assert!(rig.claim().await.is_none(), "it stands once");
    assert_eq!(news(&rig).await, []);
    let found = || finish_request::Outcome::Resolved(v1::Resolved { images: Vec::new() });
    for _ in 0..2 {
        let verdict = rig.finish(&grant, found(), &[]).await;
        assert_eq!(verdict, FinishVerdict::Committed);
    }
    let record = rig.load(id).await.record;
    assert_eq!(
        record.errand_result,
        Some(ErrandResult::Resolved(Vec::new()))
    );
    assert_eq!(news(&rig).await, [id]);
    // The janitor leaves it to its plan.
    rig.pass(5).await;
    rig.clock.advance(SignedDuration::from_hours(40 * 24));
    rig.reconcile().await;
    assert_eq!(news(&rig).await, [id]);
}

#[tokio::test]
async fn callers_see_nothing_of_an_errand() {
    let rig = Rig::start(settings(2)).await;
    let store = rig.scheduler.jobs().store.clone();
    let mut notices = store.subscribe().await.expect("listens");
    let id = create(&rig, remove(spec("ot1", "t1", "ot2"))).await;
    let viewer = Some(v1::Viewer {
        region_id: "ot1".to_owned(),
        tenant_id: "t1".to_owned(),
        all_tenants: true,
    });
    let by = Some(v1::get_job_request::By::JobId(id.to_string()));
    let got = v1::GetJobRequest {
        viewer: viewer.clone(),
        by,
    };
    let got = rig.jobs.clone().get_job(got).await;
    assert_eq!(got.expect_err("nobody's").code(), Code::NotFound);
    let canceled = rig.cancel(id, "t1").await;
    assert_eq!(canceled.expect_err("nobody's").code(), Code::NotFound);
    let watched = v1::WatchJobsRequest {
        viewer: viewer.clone(),
        job_id: Some(id.to_string()),
        after_sequence: None,
    };
    let watched = rig.jobs.clone().watch_jobs(watched).await;
    assert_eq!(watched.expect_err("nobody's").code(), Code::NotFound);
    let taken = rig.create_as(id, "t1", None).await;
    assert_eq!(taken.expect_err("taken").code(), Code::InvalidArgument);
    let listed = v1::ListJobsRequest {
        viewer,
        limit: 10,
        ..Default::default()
    };
    let listed = rig.jobs.clone().list_jobs(listed).await.expect("answered");
    assert_eq!(listed.into_inner().jobs, []);

    let grant = rig.claim().await.expect("work");
    let gone = v1::ReplicaFate::from(&ReplicaFate::Gone);
    rig.finish(&grant, finish_request::Outcome::Removed(gone), &[])
        .await;
    let changed = store.changed_since(&Scope::All, 0, 10).await;
    assert_eq!(changed.expect("answers"), []);
    let copy = rig.create("t1").await;
    let next = tokio::time::timeout(Duration::from_secs(5), notices.next()).await;
    let first: ChangeNotice = next.expect("in time").expect("goes on");
    assert_eq!(first.job, copy, "the first that is told");
}

#[tokio::test]
async fn errands_and_plans_count_against_no_limit_of_the_tenant() {
    let mut settings = settings(1);
    settings.queued_per_tenant = 1;
    let rig = Rig::start(settings).await;
    rig.create("t1").await;
    create(&rig, planned(spec("ot1", "t1", "ot2"))).await;
    create(&rig, resolve(spec("ot1", "t1", "ot2"))).await;
    create(&rig, remove(spec("ot1", "t1", "ot2"))).await;
    let mut kinds = Vec::new();
    while let Some(grant) = rig.claim().await {
        kinds.push(unit(&grant).kind());
    }
    kinds.sort_by_key(|kind| kind.as_str());
    // One copy at a time, whoever wants it.
    assert_eq!(kinds, [UnitKind::Copy, UnitKind::Remove, UnitKind::Resolve]);
}

#[tokio::test]
async fn a_region_that_is_not_configured_is_refused() {
    let rig = Rig::start(settings(2)).await;
    let task = resolve(spec("ot9", "t1", "ot2"));
    let refused = rig.create_for_plan(JobId::generate(), task).await;
    let refused = refused.expect_err("nowhere").to_string();
    assert_eq!(refused, "region `ot9` is not configured");
}

#[tokio::test]
async fn a_plans_copy_is_a_job_like_any_other_and_news_to_its_plan() {
    let rig = Rig::start(settings(2)).await;
    let done = create(&rig, planned(spec("ot1", "t1", "ot2"))).await;
    let grant = rig.claim().await.expect("work");
    rig.finish(&grant, replicated(&grant), &[]).await;
    let errors = create(&rig, planned(spec("ot1", "t1", "ot2"))).await;
    let grant = rig.claim().await.expect("work");
    rig.finish(&grant, failed(false), &[]).await;
    let mut told = news(&rig).await;
    told.sort();
    let mut expected = vec![done, errors];
    expected.sort();
    assert_eq!(told, expected);
    assert_eq!(rig.status(errors).await, JobStatus::Error);
}

#[tokio::test]
async fn an_errand_that_is_called_off_ends_with_its_worker() {
    let rig = Rig::start(settings(2)).await;
    let id = create(&rig, resolve(spec("ot1", "t1", "ot2"))).await;
    let grant = rig.claim().await.expect("work");
    let mut progress = rig.progress(&grant).await;
    progress.next().await;
    let jobs = rig.scheduler.jobs();
    let canceled = jobs.decide::<_, job_scheduler::status::CallError>(id, |record, now| {
        Ok(job_scheduler::jobs::Decision {
            record: Some(job_scheduler::lifecycle::cancel(record, now, jobs.rules())?),
            answer: (),
        })
    });
    canceled.await.expect("cancelable");
    progress.until(v1::Directive::Cancel).await;
    let over = finish_request::Outcome::HandedBack(v1::HandedBack {});
    rig.finish(&grant, over, &[]).await;
    assert_eq!(rig.status(id).await, JobStatus::Canceled);
    assert_eq!(news(&rig).await, [id]);
}
