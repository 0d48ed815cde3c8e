//! Clocks jump: this machine's, which counts for nothing, and that of Redis, which counts for all.

use std::sync::Arc;
use std::time::Duration;

use domain::JobStatus;
use jiff::SignedDuration;
use job_scheduler::store::memory::MemoryStore;
use job_scheduler::store::redis::RedisStore;
use job_scheduler::store_clock::StoreClock;
use proto::v1;
use service_kit::{Clock as _, ManualClock, SystemClock};

use crate::redis_server::RedisServer;
use crate::rig::{Rig, replicated, report};
use crate::sample::{at, settings, shape};

const DAY: i64 = 86_400;

/// Between two looks at Redis, and while it is away: a jump over all deadlines must not pass for time.
#[tokio::test]
async fn this_machines_clock_may_jump_by_a_week_and_nobody_notices() {
    let mut server = RedisServer::start().await;
    let store = RedisStore::new(
        &server.url().into(),
        "test",
        Duration::from_secs(5),
        shape(2),
    );
    let store = store.expect("a URL");
    let local = ManualClock::at(SystemClock.now());
    let clock = StoreClock::new(Arc::new(local.clone()));
    clock.ask(&store).await.expect("answers");
    let begun = clock.now();
    let passed = || clock.now().duration_since(begun).as_secs();
    for step in [8 * DAY, -16 * DAY, 8 * DAY] {
        local.advance(SignedDuration::from_secs(step));
        assert!((0..60).contains(&passed()), "{} s", passed());
        clock.ask(&store).await.expect("answers");
        assert!((0..60).contains(&passed()), "{} s", passed());
    }
    server.kill();
    assert!(clock.ask(&store).await.is_err(), "it was killed");
    local.advance(SignedDuration::from_secs(8 * DAY));
    let before = clock.now();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!((0..60).contains(&passed()), "{} s", passed());
    assert!(clock.now() > before, "it stands still");
}

fn rig_of(clock: &ManualClock) -> impl Future<Output = Rig> + use<> {
    let settings = settings(2);
    let store = Arc::new(MemoryStore::new(settings.shape.clone()));
    Rig::on(store, settings, clock.clone())
}

/// It looks like an outage of an hour, after which no lease runs out before its worker can have renewed it.
#[tokio::test]
async fn a_redis_whose_clock_jumps_ahead_takes_no_lease_from_a_worker_that_lives() {
    let clock = ManualClock::at(at(0));
    let rig = rig_of(&clock).await;
    let job = rig.create("t1").await;
    rig.reconcile().await;
    let grant = rig.claim().await.expect("work");
    let mut progress = rig.progress(&grant).await;
    progress.until(v1::Directive::Continue).await;

    clock.advance(SignedDuration::from_hours(1));
    rig.reconcile().await;
    assert!(rig.claim().await.is_none(), "the lease was taken away");
    let renewal = report(&grant, 2);
    progress.reports.send(renewal).await.expect("open");
    progress.until(v1::Directive::Continue).await;
    rig.pass(25).await;
    let record = rig.load(job).await.record;
    assert_eq!((record.lost_leases, record.attempt), (0, 1));
    rig.finish(&grant, replicated(&grant), &[]).await;
    assert_eq!(rig.status(job).await, JobStatus::Replicated);
}

#[tokio::test]
async fn a_redis_whose_clock_jumps_back_keeps_nobody_from_working() {
    let clock = ManualClock::at(at(3_600));
    let rig = rig_of(&clock).await;
    let (running, waiting) = (rig.create("t1").await, rig.create("t2").await);
    rig.reconcile().await;
    let grant = rig.claim().await.expect("work");
    clock.advance(SignedDuration::from_hours(-1));
    rig.reconcile().await;

    let mut progress = rig.progress(&grant).await;
    progress.until(v1::Directive::Continue).await;
    let other = rig.claim().await.expect("the other job");
    for grant in [&grant, &other] {
        rig.finish(grant, replicated(grant), &[]).await;
    }
    for job in [running, waiting] {
        assert_eq!(rig.status(job).await, JobStatus::Replicated);
    }
    let new = rig.create("t1").await;
    let grant = rig.claim().await.expect("the new job");
    rig.finish(&grant, replicated(&grant), &[]).await;
    assert_eq!(rig.status(new).await, JobStatus::Replicated);
}
