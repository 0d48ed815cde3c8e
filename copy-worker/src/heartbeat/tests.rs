//! The heartbeat against a scheduler double, in paused time.

use std::num::NonZeroU64;

use copy_engine::{Bandwidth, BandwidthLimits, WriteGate};
use domain::{RegionId, UnitKind};
use proto::v1;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::scheduler_double::{ProgressStream, SchedulerDouble, claimed};

const LEASE: Duration = Duration::from_secs(30);

struct Beating {
    scheduler: SchedulerDouble,
    bandwidth: Bandwidth,
    attempt: Arc<Attempt>,
    task: JoinHandle<()>,
}

fn beating() -> Beating {
    let scheduler = SchedulerDouble::default();
    let attempt = Arc::new(Attempt::new(claimed(UnitKind::Copy)));
    let workshop = scheduler.workshop();
    let heartbeat = Heartbeat::new(&workshop, attempt.clone());
    Beating {
        scheduler,
        bandwidth: workshop.engine.bandwidth,
        attempt,
        task: tokio::spawn(heartbeat.run()),
    }
}

/// Answers every report until the stream breaks.
async fn answer_all(mut stream: ProgressStream, directive: v1::Directive) {
    for committed in 1.. {
        stream.report().await;
        stream.direct(directive, committed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn answered_reports_keep_the_lease() {
    let unit = beating();
    let stream = unit.scheduler.next_stream().await;
    let answering = tokio::spawn(answer_all(stream, v1::Directive::Continue));
    sleep(LEASE * 4).await;
    let permit = timeout(Duration::from_millis(1), unit.attempt.lease.permit());
    assert_eq!(permit.await, Ok(Ok(())));
    answering.abort();
}

#[tokio::test(start_paused = true)]
async fn reports_that_are_not_committed_keep_nothing() {
    let unit = beating();
    let mut stream = unit.scheduler.next_stream().await;
    stream.report().await;
    let deaf = tokio::spawn(async move {
        loop {
            stream.report().await;
            stream.direct(v1::Directive::Continue, 0).await;
        }
    });
    sleep(LEASE).await;
    let permit = timeout(Duration::from_secs(5), unit.attempt.lease.permit());
    assert!(permit.await.is_err(), "the lease has lapsed");
    assert!(!unit.attempt.lease.is_superseded());
    deaf.abort();
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_passed_on_and_the_heart_goes_on_beating() {
    let unit = beating();
    let mut stream = unit.scheduler.next_stream().await;
    stream.report().await;
    stream.direct(v1::Directive::Cancel, 1).await;
    unit.attempt.signals.cancel.cancelled().await;
    stream.report().await;
    assert!(!unit.attempt.signals.stop.is_cancelled());
    assert!(!unit.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_unit_for_good() {
    let unit = beating();
    let stream = unit.scheduler.next_stream().await;
    stream.direct(v1::Directive::Stop, 0).await;
    unit.task.await.expect("no panic");
    assert!(unit.attempt.signals.stop.is_cancelled());
    assert!(unit.attempt.lease.permit().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_broken_or_silent_stream_is_opened_again() {
    let unit = beating();
    drop(unit.scheduler.next_stream().await);
    let silent = unit.scheduler.next_stream().await;
    let third = timeout(LEASE, unit.scheduler.next_stream()).await;
    assert!(third.is_ok(), "silence is not waited out for ever");
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_scheduler_costs_no_healthy_lease() {
    let unit = beating();
    let mut frozen = unit.scheduler.next_stream().await;
    frozen.report().await;
    frozen.direct(v1::Directive::Continue, 1).await;
    // It neither speaks nor closes, and takes the next stream into its silence as well.
    unit.scheduler.set_opens_no_stream(true);
    let waiting = tokio::spawn({
        let scheduler = unit.scheduler.clone();
        async move {
            sleep(Duration::from_secs(6)).await;
            scheduler.set_opens_no_stream(false);
            let mut stream = scheduler.next_stream().await;
            stream.report().await;
            stream.direct(v1::Directive::Continue, 1).await;
            stream
        }
    });
    let other = timeout(LEASE / 2, waiting).await;
    let _open = other
        .expect("long before the lease ends")
        .expect("no panic");
    sleep(Duration::from_millis(10)).await;
    drop(frozen);
    let permit = timeout(Duration::from_millis(1), unit.attempt.lease.permit());
    assert_eq!(permit.await, Ok(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn the_stream_comes_back_however_long_the_scheduler_was_away() {
    let unit = beating();
    drop(unit.scheduler.next_stream().await);
    unit.scheduler.set_away(true);
    sleep(Duration::from_secs(20 * 60)).await;
    unit.scheduler.set_away(false);
    let back = timeout(Duration::from_secs(10), unit.scheduler.next_stream()).await;
    assert!(back.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_a_pair_of_regions_may_have_is_divided_as_the_scheduler_counts() {
    let unit = beating();
    let (source, destination) = (RegionId::new("ot1"), RegionId::new("ot2"));
    let cap = NonZeroU64::new(900).expect("a rate");
    unit.bandwidth.set(&BandwidthLimits {
        process: None,
        pairs: [((source.clone(), destination.clone()), cap)].into(),
    });
    let part = || {
        let part = unit.bandwidth.part(&source, &destination);
        part.map(NonZeroU64::get)
    };
    assert_eq!(part(), Some(900), "alone until told otherwise");
    let mut stream = unit.scheduler.next_stream().await;
    stream.report().await;
    for (copies_of_pair, expected) in [(Some(3), 300), (None, 300), (Some(2), 450)] {
        let answer = v1::ProgressDirective {
            directive: v1::Directive::Continue.into(),
            reports_committed: 1,
            copies_of_pair,
        };
        stream.answer(answer).await;
        sleep(Duration::from_millis(10)).await;
        assert_eq!(part(), Some(expected));
    }
    unit.task.abort();
    assert!(unit.task.await.is_err());
    assert_eq!(
        part(),
        Some(900),
        "what was told is forgotten with the copy"
    );
}

#[test]
fn a_count_beyond_what_was_sent_renews_only_what_was_sent() {
    let (sender, _receiver) = mpsc::channel(1);
    let mut reports = Reports::new(sender);
    reports.send(v1::ProgressReport::default());
    let waiting = reports.sent_at.len();
    reports.send(v1::ProgressReport::default());
    assert_eq!(reports.sent_at.len(), waiting, "the second had no room");
    assert!(reports.committed(1_000).is_some());
    assert_eq!(reports.committed(1_000), None);
}
