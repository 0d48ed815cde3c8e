//! How units end, against a scheduler double. No region is configured, so that work ends at once and
//! only the way to the report is looked at.

use domain::UnitKind;
use proto::v1::finish_request::Outcome as Told;
use std::time::Duration;
use tokio::time::{Instant, sleep};

use super::*;
use crate::scheduler_double::{SchedulerDouble, claimed};

fn told(scheduler: &SchedulerDouble) -> Vec<Told> {
    let finishes = scheduler.finishes();
    finishes
        .into_iter()
        .filter_map(|finish| finish.outcome)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_reported_with_its_reason() {
    let scheduler = SchedulerDouble::default();
    run(&Arc::new(scheduler.workshop()), claimed(UnitKind::Copy)).await;
    let [Told::Failed(failed)] = &told(&scheduler)[..] else {
        panic!("{:?}", told(&scheduler));
    };
    let error = failed.error.as_ref().expect("a reason");
    assert!(failed.transient);
    assert_eq!(error.code, "internal");
    assert!(error.message.contains("ot1"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn a_discarded_unit_is_cleaned_and_reported_again() {
    let scheduler = SchedulerDouble::default();
    scheduler.judge(FinishVerdict::Discard);
    run(&Arc::new(scheduler.workshop()), claimed(UnitKind::Copy)).await;
    let told = told(&scheduler);
    assert!(
        matches!(told[..], [Told::Failed(_), Told::Cleaned(_)]),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_superseded_unit_is_left_alone() {
    let scheduler = SchedulerDouble::default();
    scheduler.judge(FinishVerdict::Superseded);
    run(&Arc::new(scheduler.workshop()), claimed(UnitKind::Copy)).await;
    assert_eq!(told(&scheduler).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_is_reported_until_the_scheduler_is_back() {
    let scheduler = SchedulerDouble::default();
    scheduler.set_away(true);
    let workshop = Arc::new(scheduler.workshop());
    let unit = tokio::spawn(async move { run(&workshop, claimed(UnitKind::CleanUp)).await });
    sleep(Duration::from_secs(300)).await;
    assert!(!unit.is_finished());
    scheduler.set_away(false);
    unit.await.expect("no panic");
    assert!(matches!(told(&scheduler)[..], [Told::Cleaned(_)]));
}

#[tokio::test(start_paused = true)]
async fn patience_has_an_end() {
    let scheduler = SchedulerDouble::default();
    scheduler.set_away(true);
    let workshop = Arc::new(scheduler.workshop());
    let started_at = Instant::now();
    run(&workshop, claimed(UnitKind::CleanUp)).await;
    assert!(started_at.elapsed() >= workshop.finish_patience);
    assert!(told(&scheduler).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_errand_is_reported_as_that_of_a_copy() {
    let scheduler = SchedulerDouble::default();
    let workshop = Arc::new(scheduler.workshop());
    run(&workshop, claimed(UnitKind::Resolve)).await;
    let [Told::Failed(failed)] = &told(&scheduler)[..] else {
        panic!("{:?}", told(&scheduler));
    };
    assert!(failed.transient);
    let error = failed.error.as_ref().expect("a reason");
    assert!(error.message.contains("ot1"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn an_errand_that_is_called_off_ends_at_once() {
    let attempt = Attempt::new(claimed(UnitKind::Resolve));
    attempt.follow(domain::Directive::Cancel);
    let ended = crate::units::run_errand(&attempt, std::future::pending()).await;
    assert_eq!(ended, crate::units::ErrandEnd::Stopped);
    assert_eq!(attempt.outcome(ended.into()), Some(Outcome::HandedBack));
}

#[test]
fn a_panic_is_a_transient_failure_that_shows_nothing_of_itself() {
    let failure = panicked(&"password=hunter2" as &(dyn Any + Send));
    assert!(failure.transient);
    assert_eq!(failure.error.code, ErrorCode::Internal);
    assert!(!failure.error.message.contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_panics_fails_the_unit_and_one_that_ends_does_not() {
    let spawned = |heart: fn()| AbortOnDropHandle::new(tokio::spawn(async move { heart() }));
    let mut broken = spawned(|| panic!("made up"));
    let failure = heart_failure(&mut broken).await;
    assert_eq!(failure.error.code, ErrorCode::Internal);

    let mut superseded = spawned(|| ());
    let waiting = heart_failure(&mut superseded);
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, waiting).await.is_err());
}
