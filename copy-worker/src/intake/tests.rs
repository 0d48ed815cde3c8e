//! Intake against a scheduler double and a broker that is not there: work goes on by the timer. What
//! messages change is shown by the scenario tests, with a real broker.

use std::collections::BTreeSet;

use domain::UnitKind;
use proto::v1;
use service_kit::config::RabbitmqConfig;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;
use work_queue::{Settings, WorkQueue};

use super::*;
use crate::scheduler_double::{SchedulerDouble, grant};

struct Running {
    scheduler: SchedulerDouble,
    slots: Slots,
    stop: CancellationToken,
    task: JoinHandle<JoinSet<()>>,
}

fn start(slots: &Slots, scheduler: SchedulerDouble) -> Running {
    // Nobody listens on the discard port of this machine.
    let nowhere = Settings {
        rabbitmq: RabbitmqConfig::at("amqp://127.0.0.1:9/%2f".to_owned().into()),
        connection_name: "test".to_owned(),
    };
    let stop = CancellationToken::new();
    let queue = WorkQueue::start(&nowhere, stop.clone(), &TaskTracker::new()).expect("valid");
    let region = RegionId::new("ot2");
    let intake = Intake {
        region: region.clone(),
        worker: WorkerId::new("test"),
        scheduler: scheduler.client(),
        messages: queue.consumer(region),
        slots: slots.clone(),
        poll: Duration::from_secs(15)..=Duration::from_secs(30),
        workshop: Arc::new(scheduler.workshop()),
        units: JoinSet::new(),
    };
    let task = tokio::spawn({
        let stop = stop.clone();
        async move { intake.run(&stop).await }
    });
    Running {
        scheduler,
        slots: slots.clone(),
        stop,
        task,
    }
}

fn claim_ids(running: &Running) -> BTreeSet<String> {
    claim_ids_of(&running.scheduler)
}

fn claim_ids_of(scheduler: &SchedulerDouble) -> BTreeSet<String> {
    let claims = scheduler.claims();
    claims.into_iter().map(|claim| claim.claim_id).collect()
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_asks_at_once_and_then_by_its_timer() {
    let worker = start(&Slots::new(2), SchedulerDouble::default());
    sleep(Duration::from_secs(1)).await;
    assert_eq!(worker.scheduler.claims().len(), 1);
    sleep(Duration::from_secs(300)).await;
    let claims = worker.scheduler.claims().len();
    assert!((10..=21).contains(&claims), "{claims}");
    assert_eq!(claim_ids(&worker).len(), claims, "each claim is a new one");
}

#[tokio::test(start_paused = true)]
async fn after_a_grant_and_after_a_units_end_it_asks_again_at_once() {
    let scheduler = SchedulerDouble::default();
    scheduler.grant(grant(UnitKind::Copy));
    scheduler.grant(grant(UnitKind::CleanUp));
    let worker = start(&Slots::new(4), scheduler);
    sleep(Duration::from_secs(1)).await;
    // No region is configured, so each unit ends at once.
    assert_eq!(worker.scheduler.finishes().len(), 2);
    let claims = worker.scheduler.claims().len();
    assert!((3..=5).contains(&claims), "{claims}");
}

#[tokio::test(start_paused = true)]
async fn a_full_worker_asks_for_nothing_until_a_unit_ends() {
    let slots = Slots::new(1);
    let busy = slots.occupy(slots.take().await);
    let worker = start(&slots, SchedulerDouble::default());
    sleep(Duration::from_secs(300)).await;
    assert!(worker.scheduler.claims().is_empty());
    drop(busy);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(worker.scheduler.claims().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_the_scheduler_is_away_one_claim_is_repeated_under_its_id() {
    let scheduler = SchedulerDouble::default();
    scheduler.set_away(true);
    let worker = start(&Slots::new(1), scheduler);
    sleep(Duration::from_secs(120)).await;
    let tries = worker.scheduler.claims().len();
    assert!((20..=100).contains(&tries), "{tries}");
    assert_eq!(claim_ids(&worker).len(), 1);

    worker.scheduler.grant(grant(UnitKind::CleanUp));
    worker.scheduler.set_away(false);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(worker.scheduler.finishes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_is_not_understood_is_let_go() {
    let scheduler = SchedulerDouble::default();
    scheduler.spoil_next_grant();
    scheduler.grant(grant(UnitKind::CleanUp));
    let worker = start(&Slots::new(1), scheduler);
    sleep(Duration::from_secs(10)).await;
    let claims = worker.scheduler.claims();
    let spoilt = &claims[0].claim_id;
    let repeated = claims.iter().filter(|claim| claim.claim_id == *spoilt);
    assert_eq!(repeated.count(), 1, "it would be renewed for ever");
    assert_eq!(worker.scheduler.finishes().len(), 1, "work goes on");
}

#[tokio::test(start_paused = true)]
async fn when_stopped_it_takes_nothing_more() {
    let worker = start(&Slots::new(1), SchedulerDouble::default());
    sleep(Duration::from_secs(1)).await;
    worker.stop.cancel();
    let units = worker.task.await.expect("no panic");
    assert!(units.is_empty(), "none was granted");
    worker.scheduler.grant(grant(UnitKind::Copy));
    sleep(Duration::from_secs(300)).await;
    assert_eq!(worker.scheduler.claims().len(), 1);
    assert!(worker.slots.try_take().is_some());
}

/// A worker that was told to stop while nobody answered it, and what it still does.
async fn stopped_without_an_answer() -> (SchedulerDouble, JoinSet<()>) {
    let scheduler = SchedulerDouble::default();
    scheduler.set_away(true);
    let worker = start(&Slots::new(1), scheduler);
    sleep(Duration::from_secs(1)).await;
    worker.stop.cancel();
    (worker.scheduler, worker.task.await.expect("no panic"))
}

#[tokio::test(start_paused = true)]
async fn what_is_granted_when_it_is_stopped_already_is_handed_back_at_once() {
    let (scheduler, mut units) = stopped_without_an_answer().await;
    let granted = grant(UnitKind::Copy);
    scheduler.grant(granted.clone());
    scheduler.set_away(false);
    while units.join_next().await.is_some() {}
    let finishes = scheduler.finishes();
    assert_eq!(finishes.len(), 1);
    assert_eq!(finishes[0].lease_token, granted.lease_token.to_string());
    let outcome = v1::finish_request::Outcome::HandedBack(v1::HandedBack {});
    assert_eq!(finishes[0].outcome, Some(outcome));
    assert_eq!(claim_ids_of(&scheduler).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_scheduler_that_stays_away_keeps_nobody_from_stopping() {
    let (_scheduler, mut units) = stopped_without_an_answer().await;
    let stopped = Instant::now();
    while units.join_next().await.is_some() {}
    assert_eq!(stopped.elapsed(), LAST_ANSWER, "of the paused clock");
}
