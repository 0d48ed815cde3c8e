//! Plans over weeks, in seconds: what is copied, what is kept, and that each fire is one whoever dies.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use domain::{ImageSelector, JobId, PlanAction, PlanStatus, PlanView, RunResult};
use job_scheduler::plan_keeper;
use job_scheduler::store::redis::RedisStore;
use proto::v1::{self, PlanEvent};

use crate::plan_bed::{DAY, PlanBed, action, daily, image};
use crate::redis_server::RedisServer;
use crate::rig::Rig;
use crate::sample::{at, shape};

fn result(plan: &PlanView) -> Option<RunResult> {
    plan.last_run.as_ref().and_then(|run| run.result)
}

fn distinct(jobs: &[JobId]) -> usize {
    jobs.iter().collect::<BTreeSet<_>>().len()
}

/// A month of daily fires: the image changes on most days, and three replicas are kept.
async fn a_month(bed: &mut PlanBed, days: u64) {
    let id = bed.create(&daily(&[action(1, 3)])).await;
    let mut copies = 0;
    for day in 1..=days {
        if day % 7 != 0 {
            *bed.cloud.sources.entry(image(7)).or_default() += 1;
            copies += 1;
        }
        bed.advance(DAY);
        bed.settle().await;
        let plan = bed.get(id).await;
        assert_eq!(result(&plan), Some(RunResult::Success), "{plan:?}");
        let due = at(DAY * i64::try_from(day).expect("a few"));
        assert_eq!(plan.last_run.expect("it ran").scheduled_for, due);
        let kept: BTreeSet<_> = plan.recovery_points.iter().map(|it| it.image_id).collect();
        assert_eq!(kept, bed.cloud.replicas, "what is recorded is there");
        assert_eq!(kept.len(), copies.min(3));
    }
    let done = usize::try_from(days).expect("a few");
    assert_eq!(
        (bed.cloud.resolved.len(), bed.cloud.copied.len()),
        (done, copies)
    );
    assert_eq!(
        (distinct(&bed.cloud.resolved), distinct(&bed.cloud.copied)),
        (done, copies)
    );
    assert_eq!(bed.cloud.removed.len(), copies - 3);
}

#[tokio::test]
async fn a_month_of_daily_fires_copies_what_changed_and_keeps_three() {
    a_month(&mut PlanBed::start(1).await, 30).await;
}

#[tokio::test]
async fn a_month_with_two_schedulers_side_by_side_is_the_same() {
    a_month(&mut PlanBed::start(2).await, 30).await;
}

async fn redis() -> (RedisServer, Arc<RedisStore>) {
    let server = RedisServer::start().await;
    let timeout = Duration::from_secs(5);
    let store = RedisStore::new(&server.url().into(), "test", timeout, shape(2));
    (server, Arc::new(store.expect("a URL")))
}

#[tokio::test]
async fn a_week_on_redis_with_three_schedulers_side_by_side_is_the_same() {
    let (_server, store) = redis().await;
    a_month(&mut PlanBed::on(store, 3).await, 8).await;
}

/// Runs a tick until it has waited so often for Redis, and drops it there, as a kill would; says whether it
/// came to its end.
async fn killed_after(rig: &Rig, waits: usize) -> bool {
    let mut tick = pin!(plan_keeper::tick(rig.scheduler.plans()));
    let mut left = waits;
    std::future::poll_fn(|context| match tick.as_mut().poll(context) {
        Poll::Ready(ended) => {
            ended.expect("answers");
            Poll::Ready(true)
        }
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// More than a tick with one plan waits for Redis.
const WAITS: usize = 30;

#[tokio::test]
async fn a_scheduler_that_is_killed_anywhere_around_a_fire_makes_nothing_twice_and_loses_nothing() {
    let (_server, store) = redis().await;
    let mut bed = PlanBed::on(store, 2).await;
    let id = bed.create(&daily(&[action(1, 2)])).await;
    for day in 1..=5_u64 {
        bed.cloud.sources.insert(image(7), day);
        bed.advance(DAY);
        // Between any two steps of the worker, schedulers die at every point of their way: each gets one wait
        // farther than the one before.
        for _ in 0..4 {
            for waits in 0..WAITS {
                let victim = bed.scheduler().await;
                killed_after(&victim, waits).await;
            }
            bed.cloud.work(&bed.rigs[0]).await;
        }
        bed.settle().await;
        let plan = bed.get(id).await;
        assert_eq!(result(&plan), Some(RunResult::Success), "{plan:?}");
        let kept: BTreeSet<_> = plan.recovery_points.iter().map(|it| it.image_id).collect();
        assert_eq!(kept, bed.cloud.replicas);
        let done = usize::try_from(day).expect("a few");
        assert_eq!(distinct(&bed.cloud.copied), done);
        assert_eq!(bed.cloud.copied.len(), done, "each copy is made once");
        assert_eq!(kept.len(), done.min(2));
    }
}

#[tokio::test]
async fn each_image_of_a_tag_keeps_its_own_replicas() {
    let mut bed = PlanBed::start(1).await;
    let tagged = PlanAction {
        selector: ImageSelector::Tag("nightly".to_owned()),
        ..action(1, 1)
    };
    let id = bed.create(&daily(&[tagged])).await;
    bed.cloud
        .tags
        .insert("nightly".to_owned(), vec![image(7), image(8)]);
    for day in 1..=3 {
        bed.cloud.sources.insert(image(7), day);
        bed.advance(DAY);
        bed.settle().await;
    }
    let plan = bed.get(id).await;
    let sources: BTreeSet<_> = plan
        .recovery_points
        .iter()
        .map(|it| it.source_image_id)
        .collect();
    assert_eq!(sources, BTreeSet::from([image(7), image(8)]));
    assert_eq!(plan.recovery_points.len(), 2);
    assert_eq!(bed.cloud.copied.len(), 4, "image 8 never changed");
}

#[tokio::test]
async fn a_protected_replica_stays_until_its_owner_lets_go_of_it() {
    let mut bed = PlanBed::start(1).await;
    let id = bed.create(&daily(&[action(1, 1)])).await;
    for day in 1..=3 {
        bed.cloud.sources.insert(image(7), day);
        bed.advance(DAY);
        bed.settle().await;
        if day == 1 {
            bed.cloud.protected = bed.cloud.replicas.clone();
        }
    }
    let plan = bed.get(id).await;
    assert_eq!(plan.recovery_points.len(), 2);
    let said = plan.last_run.expect("it ran").messages;
    assert!(
        said.iter().any(|it| it.contains("it is protected")),
        "{said:?}"
    );
    bed.cloud.protected.clear();
    bed.cloud.sources.insert(image(7), 4);
    bed.advance(DAY);
    bed.settle().await;
    assert_eq!(bed.get(id).await.recovery_points.len(), 1);
}

#[tokio::test]
async fn a_plan_that_is_deleted_removes_nothing_any_more() {
    let mut bed = PlanBed::start(1).await;
    let id = bed.create(&daily(&[action(1, 1)])).await;
    for day in 1..=2 {
        bed.cloud.sources.insert(image(7), day);
        bed.advance(DAY);
        // Up to the copy of the day; the removal that follows it is left to a worker.
        for _ in 0..2 {
            bed.tick().await;
            let grant = bed.rigs[0].claim().await.expect("work");
            bed.cloud.do_unit(&bed.rigs[0], &grant).await;
        }
        bed.tick().await;
    }
    assert_eq!(bed.get(id).await.recovery_points.len(), 1, "one is to go");
    let request = v1::DeletePlanRequest {
        viewer: Rig::viewer("t1"),
        plan_id: id.to_string(),
    };
    let gone = bed.rigs[0].plans.clone().delete_plan(request).await;
    gone.expect("deleted");
    bed.settle().await;
    assert_eq!((bed.cloud.removed.len(), bed.cloud.replicas.len()), (0, 2));
}

#[tokio::test]
async fn a_run_that_is_aborted_cancels_its_copies_and_the_plan_stays_stopped() {
    let mut bed = PlanBed::start(1).await;
    let id = bed.create(&daily(&[action(1, 1)])).await;
    let (plan, result_of_start) = bed.signal(id, PlanEvent::Start).await;
    assert_eq!(
        (result_of_start.as_str(), plan.status),
        ("success", PlanStatus::Running)
    );
    bed.tick().await;
    let search = bed.rigs[0].claim().await.expect("a search");
    bed.cloud.do_unit(&bed.rigs[0], &search).await;
    bed.tick().await;
    let (_, told) = bed.signal(id, PlanEvent::Abort).await;
    assert_eq!(told, "success");
    bed.settle().await;
    let plan = bed.get(id).await;
    assert_eq!(
        (result(&plan), plan.status),
        (Some(RunResult::Aborted), PlanStatus::Stop)
    );
    assert_eq!(bed.cloud.copied, []);
    bed.advance(3 * DAY);
    bed.settle().await;
    assert_eq!(bed.get(id).await.last_run, plan.last_run);
}

#[tokio::test]
async fn a_plan_without_a_schedule_runs_once_at_once() {
    let mut bed = PlanBed::start(1).await;
    let mut once = daily(&[action(1, 1)]);
    once.schedule.interval = None;
    let id = bed.create(&once).await;
    bed.settle().await;
    let plan = bed.get(id).await;
    assert_eq!(
        (result(&plan), plan.status),
        (Some(RunResult::Success), PlanStatus::Completed)
    );
    bed.advance(30 * DAY);
    bed.settle().await;
    assert_eq!(bed.cloud.copied.len(), 1);
}

#[tokio::test]
async fn the_steps_of_a_fire_follow_each_other_without_waiting_for_a_tick() {
    let mut bed = PlanBed::start(0).await;
    let rig = bed.rarely_ticking_scheduler().await;
    rig.scheduler.start_keeping_plans();
    bed.rigs.push(rig);
    let mut once = daily(&[action(1, 1)]);
    once.schedule.interval = None;
    let id = bed.create(&once).await;
    let done = async {
        while result(&bed.get(id).await).is_none() {
            let (rig, cloud) = (&bed.rigs[0], &mut bed.cloud);
            cloud.work(rig).await;
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), done).await;
    in_time.expect("long before the next tick");
}
