//! The plan service: what gateways rely on, and what happens to plans that cannot be read.

use std::sync::Arc;
use std::time::Duration;

use domain::{PlanDocument, PlanId, PlanStatus, RunResult};
use job_scheduler::store::redis::RedisStore;
use proto::v1::{self, PlanEvent};
use tonic::{Code, Status};

use crate::plan_bed::{DAY, PlanBed, action, creator, daily};
use crate::redis_server::RedisServer;
use crate::rig::Rig;
use crate::sample::{at, shape};

fn code<T: std::fmt::Debug>(answer: Result<T, Status>) -> Code {
    answer.expect_err("refused").code()
}

async fn update(
    bed: &PlanBed,
    id: PlanId,
    revision: u64,
    document: &PlanDocument,
) -> Result<v1::Plan, Status> {
    let request = v1::UpdatePlanRequest {
        viewer: Rig::viewer("t1"),
        plan_id: id.to_string(),
        revision,
        document: Some(document.into()),
        creator: Some((&creator()).into()),
        reschedule: false,
        empty_is_off: false,
    };
    let answer = bed.rigs[0].plans.clone().update_plan(request).await?;
    Ok(answer.into_inner().plan.expect("a plan"))
}

async fn list(
    bed: &PlanBed,
    tenant: &str,
    limit: u32,
    marker: Option<String>,
) -> v1::ListPlansResponse {
    let request = v1::ListPlansRequest {
        viewer: Rig::viewer(tenant),
        limit,
        marker,
    };
    let answer = bed.rigs[0].plans.clone().list_plans(request).await;
    answer.expect("answered").into_inner()
}

async fn delete(bed: &PlanBed, id: PlanId, tenant: &str) {
    let request = v1::DeletePlanRequest {
        viewer: Rig::viewer(tenant),
        plan_id: id.to_string(),
    };
    let answer = bed.rigs[0].plans.clone().delete_plan(request).await;
    answer.expect("answered");
}

#[tokio::test]
async fn a_plan_is_accepted_once_and_is_its_owners_alone() {
    let bed = PlanBed::start(1).await;
    let document = daily(&[action(1, 2)]);
    let id = bed.create(&document).await;
    let again = bed.create_as(id, "t1", &document).await.expect("it stands");
    assert_eq!(again, bed.get(id).await);
    assert_eq!((again.revision, again.status), (1, PlanStatus::Scheduled));
    assert_eq!(again.next_fire_at, Some(at(DAY)));
    let taken = bed.create_as(id, "t2", &document).await;
    assert_eq!(code(taken), Code::AlreadyExists);
    let request = v1::GetPlanRequest {
        viewer: Rig::viewer("t2"),
        plan_id: id.to_string(),
    };
    let foreign = bed.rigs[0].plans.clone().get_plan(request).await;
    assert_eq!(code(foreign), Code::NotFound);
    delete(&bed, id, "t2").await;
    bed.get(id).await;
    delete(&bed, id, "t1").await;
    delete(&bed, id, "t1").await;
    assert_eq!(list(&bed, "t1", 10, None).await.plans, []);
}

#[tokio::test]
async fn a_tenant_has_so_many_plans_and_lists_them_the_newest_first() {
    let bed = PlanBed::start(1).await;
    let document = daily(&[action(1, 2)]);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(bed.create(&document).await.to_string());
        bed.advance(1);
    }
    let sixth = bed.create_as(PlanId::generate(), "t1", &document).await;
    assert_eq!(code(sixth), Code::ResourceExhausted);
    let other = bed.create_as(PlanId::generate(), "t2", &document).await;
    other.expect("a limit for each");
    ids.reverse();
    let of = |page: &v1::ListPlansResponse| -> Vec<String> {
        page.plans.iter().map(|plan| plan.plan_id.clone()).collect()
    };
    let first = list(&bed, "t1", 3, None).await;
    assert_eq!((of(&first), first.has_more), (ids[..3].to_vec(), true));
    let second = list(&bed, "t1", 3, Some(ids[2].clone())).await;
    assert_eq!((of(&second), second.has_more), (ids[3..].to_vec(), false));
}

#[tokio::test]
async fn an_edit_is_of_a_revision_and_what_makes_no_sense_is_refused() {
    let bed = PlanBed::start(1).await;
    let mut document = daily(&[action(1, 2)]);
    let id = bed.create(&document).await;
    document.name = "nightly".to_owned();
    let edited = update(&bed, id, 1, &document).await.expect("accepted");
    assert_eq!(edited.revision, 2);
    assert_eq!(code(update(&bed, id, 1, &document).await), Code::Aborted);
    let unknown = update(&bed, PlanId::generate(), 1, &document).await;
    assert_eq!(code(unknown), Code::NotFound);
    document.schedule.interval = Some("soon".to_owned());
    let refused = update(&bed, id, 2, &document).await.expect_err("nonsense");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("schedule_interval"), "{refused}");
    document.schedule.interval = Some("9 seconds".to_owned());
    let refused = update(&bed, id, 2, &document).await.expect_err("too often");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("10s between"), "{refused}");
    document.schedule.interval = None;
    document.actions[0].destination.region = domain::RegionId::new("ot9");
    let refused = bed.create_as(PlanId::generate(), "t1", &document).await;
    assert_eq!(code(refused), Code::InvalidArgument);
}

#[tokio::test]
async fn events_are_answered_in_the_words_of_the_backup_api() {
    let bed = PlanBed::start(1).await;
    let id = bed.create(&daily(&[action(1, 2)])).await;
    for (event, expected) in [
        (PlanEvent::Start, "success"),
        (PlanEvent::Start, "start already requested"),
        (PlanEvent::Stop, "success"),
        (PlanEvent::Stop, "stop already requested"),
        (PlanEvent::Abort, "success"),
        (PlanEvent::Abort, "abort already requested"),
        (PlanEvent::Start, "success"),
    ] {
        let (_, result) = bed.signal(id, event).await;
        assert_eq!(result, expected, "{event:?}");
    }
}

#[tokio::test]
async fn the_jobs_of_a_deleted_plan_end_without_it() {
    let mut bed = PlanBed::start(1).await;
    let id = bed.create(&daily(&[action(1, 2)])).await;
    bed.signal(id, PlanEvent::Start).await;
    bed.tick().await;
    let search = bed.rigs[0].claim().await.expect("a search");
    bed.cloud.do_unit(&bed.rigs[0], &search).await;
    bed.tick().await;
    delete(&bed, id, "t1").await;
    bed.settle().await;
    assert_eq!(bed.cloud.copied.len(), 1);
    let jobs = bed.rigs[0].scheduler.jobs();
    let news = job_scheduler::store::Due::PlanNews;
    let left = jobs.store.due(news, jobs.now(), 10).await;
    assert_eq!(left, Ok(Vec::new()));
}

#[tokio::test]
async fn a_plan_that_cannot_be_read_holds_nobody_up_and_is_not_lost() {
    let server = RedisServer::start().await;
    let timeout = Duration::from_secs(5);
    let store = RedisStore::new(&server.url().into(), "test", timeout, shape(2));
    let mut bed = PlanBed::on(Arc::new(store.expect("a URL")), 1).await;
    let damaged = bed.create(&daily(&[action(1, 2)])).await;
    let good = bed.create(&daily(&[action(1, 2)])).await;
    bed.advance(DAY);
    bed.tick().await;
    let client = redis::Client::open(server.url()).expect("a URL");
    let mut redis = client.get_multiplexed_async_connection().await.expect("up");
    let key = format!("test:plan:{damaged}");
    let mut read = redis::cmd("HGET");
    let text: String = read
        .arg(&key)
        .arg("r")
        .query_async(&mut redis)
        .await
        .expect("up");
    let mut write = async |text: &str| {
        let mut write = redis::cmd("HSET");
        write.arg(&key).arg("r").arg(text);
        write.query_async::<()>(&mut redis).await.expect("up");
    };
    write(r#"{"format":99}"#).await;
    // News for it come in, and its time comes; the other plan goes on.
    bed.settle().await;
    let plan = bed.get(good).await;
    assert_eq!(
        plan.last_run.expect("it ran").result,
        Some(RunResult::Success)
    );
    write(&text).await;
    let clock = bed.rigs[0].clock.clone();
    clock.advance(jiff::SignedDuration::from_secs(61));
    bed.rigs[0].reconcile().await;
    bed.settle().await;
    let plan = bed.get(damaged).await;
    assert_eq!(
        plan.last_run.expect("it ran").result,
        Some(RunResult::Success)
    );
}
