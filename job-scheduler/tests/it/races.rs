//! The races that matter, over gRPC on the store in memory.

use domain::{JobId, JobStatus, UnitKind};
use proto::v1::{self, FinishVerdict};
use tonic::Code;
use uuid::Uuid;

use crate::rig::{Rig, cleaned, failed, replicated, report, unit};
use crate::sample::settings;

#[tokio::test]
async fn a_copy_from_create_to_replicated() {
    let rig = Rig::start(settings(2)).await;
    let id = rig.create("t1").await;
    let grant = rig.claim().await.expect("work");
    assert_eq!(grant.job_id, id.to_string());
    assert_eq!(grant.attempt, 1);
    let mut progress = rig.progress(&grant).await;
    let first = progress.next().await;
    assert_eq!(
        (first.directive(), first.reports_committed),
        (v1::Directive::Continue, 1)
    );
    progress
        .reports
        .send(report(&grant, 500_000))
        .await
        .expect("open");
    while progress.next().await.reports_committed < 2 {}
    let view = rig.load(id).await.record.view().expect("a copy");
    assert_eq!((view.copy_progress, view.bytes_copied), (50, 500_000));
    assert_eq!(
        rig.finish(&grant, replicated(&grant), &[]).await,
        FinishVerdict::Committed
    );
    // The answer was lost: the worker says it again.
    assert_eq!(
        rig.finish(&grant, replicated(&grant), &[]).await,
        FinishVerdict::Committed
    );
    assert_eq!(rig.status(id).await, JobStatus::Replicated);
    assert!(rig.claim().await.is_none());
}

#[tokio::test]
async fn a_repeated_create_finds_the_job_and_so_does_its_key() {
    let rig = Rig::start(settings(2)).await;
    let key = |digest: &str| {
        Some(v1::Idempotency {
            key: "k".to_owned(),
            request_digest: digest.to_owned(),
        })
    };
    let id = JobId::generate();
    let first = rig.create_as(id, "t1", key("a")).await.expect("accepted");
    assert_eq!(
        rig.create_as(id, "t1", key("a")).await.expect("stands"),
        first
    );
    let other = rig
        .create_as(JobId::generate(), "t1", key("b"))
        .await
        .expect("stands");
    assert_eq!(other, first);
    let stranger = rig
        .create_as(JobId::generate(), "t2", key("a"))
        .await
        .expect("accepted");
    assert_ne!(stranger.job, first.job);
    let taken = rig
        .create_as(id, "t2", None)
        .await
        .expect_err("another's id");
    assert_eq!(taken.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_queue_limit_is_told() {
    let mut settings = settings(2);
    settings.queued_per_tenant = 1;
    let rig = Rig::start(settings).await;
    rig.create("t1").await;
    let refused = rig
        .create_as(JobId::generate(), "t1", None)
        .await
        .expect_err("too many");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    rig.create("t2").await;
}

#[tokio::test]
async fn foreign_jobs_do_not_exist_and_final_ones_are_not_canceled() {
    let rig = Rig::start(settings(2)).await;
    let id = rig.create("t1").await;
    let code = |answer: Result<v1::Job, tonic::Status>| answer.expect_err("refused").code();
    assert_eq!(code(rig.cancel(id, "t2").await), Code::NotFound);
    assert_eq!(
        code(rig.cancel(JobId::generate(), "t1").await),
        Code::NotFound
    );
    let canceled = rig.cancel(id, "t1").await.expect("cancelable");
    assert_eq!(canceled.status(), v1::JobStatus::Canceled);
    assert_eq!(code(rig.cancel(id, "t1").await), Code::FailedPrecondition);
    assert!(rig.claim().await.is_none());
}

#[tokio::test]
async fn a_repeated_claim_gets_the_same_grant() {
    let rig = Rig::start(settings(2)).await;
    rig.create("t1").await;
    rig.create("t1").await;
    let claim = Uuid::new_v4();
    let first = rig.claim_as(claim).await.expect("work");
    assert_eq!(rig.claim_as(claim).await, Some(first.clone()));
    assert_ne!(rig.claim().await.expect("work").job_id, first.job_id);
}

#[tokio::test]
async fn the_first_of_cancel_and_finish_wins() {
    let rig = Rig::start(settings(2)).await;
    let id = rig.create("t1").await;
    let grant = rig.claim().await.expect("work");
    rig.cancel(id, "t1").await.expect("cancelable");
    assert_eq!(
        rig.finish(&grant, replicated(&grant), &[]).await,
        FinishVerdict::Discard
    );
    assert_eq!(
        rig.finish(&grant, replicated(&grant), &[]).await,
        FinishVerdict::Discard
    );
    let own = grant.destination_image_id.clone().expect("a copy");
    assert_eq!(
        rig.finish(&grant, cleaned(), &[own]).await,
        FinishVerdict::Committed
    );
    assert_eq!(rig.status(id).await, JobStatus::Canceled);

    let id = rig.create("t1").await;
    let grant = rig.claim().await.expect("work");
    assert_eq!(
        rig.finish(&grant, replicated(&grant), &[]).await,
        FinishVerdict::Committed
    );
    let refused = rig.cancel(id, "t1").await.expect_err("too late");
    assert_eq!(refused.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_lapsed_lease_may_be_renewed_until_it_is_taken_over() {
    let rig = Rig::start(settings(2)).await;
    let id = rig.create("t1").await;
    let first = rig.claim().await.expect("work");
    rig.reconcile().await;
    rig.pass(40).await;
    assert!(rig.load(id).await.record.held_lease().is_none());
    let mut progress = rig.progress(&first).await;
    progress.until(v1::Directive::Continue).await;
    assert!(rig.load(id).await.record.held_lease().is_some());
    assert!(rig.claim().await.is_none());

    rig.pass(40).await;
    let second = rig.claim().await.expect("a takeover");
    assert_eq!(second.attempt, 2);
    assert_eq!(
        Some(&second.leftovers[0]),
        first.destination_image_id.as_ref()
    );
    progress.until(v1::Directive::Stop).await;
    let late = rig.finish(&first, replicated(&first), &[]).await;
    assert_eq!(late, FinishVerdict::Superseded);
    let adopted = rig.finish(&second, replicated(&first), &[]).await;
    assert_eq!(adopted, FinishVerdict::Committed);
    // The image that the second attempt was granted is not known to be gone.
    let clean_up = rig.claim().await.expect("a clean-up");
    assert_eq!(unit(&clean_up).kind(), UnitKind::CleanUp);
    assert_eq!(
        Some(&clean_up.leftovers[0]),
        second.destination_image_id.as_ref()
    );
    let leftovers = clean_up.leftovers.clone();
    rig.finish(&clean_up, cleaned(), &leftovers).await;
    assert!(rig.load(id).await.record.is_over());
    assert_eq!(rig.status(id).await, JobStatus::Replicated);
}

#[tokio::test]
async fn no_lease_is_lost_to_an_outage_of_all_schedulers() {
    let rig = Rig::start(settings(2)).await;
    let id = rig.create("t1").await;
    rig.claim().await.expect("work");
    rig.reconcile().await;
    // Nobody reconciles for three lease lengths.
    rig.clock.advance(jiff::SignedDuration::from_secs(90));
    rig.reconcile().await;
    rig.pass(29).await;
    assert!(rig.load(id).await.record.held_lease().is_some());
    rig.pass(1).await;
    assert!(rig.load(id).await.record.held_lease().is_none());
}

#[tokio::test]
async fn a_failed_copy_is_tried_again_and_then_cleaned_up() {
    let rig = Rig::start(settings(2)).await;
    let id = rig.create("t1").await;
    for attempt in 1..=3 {
        let grant = rig.claim().await.expect("work");
        let kind = unit(&grant).kind();
        assert_eq!((kind, grant.attempt), (UnitKind::Copy, attempt));
        assert_eq!(
            rig.finish(&grant, failed(true), &[]).await,
            FinishVerdict::Committed
        );
        if attempt < 3 {
            assert!(rig.claim().await.is_none(), "it backs off");
            rig.pass(60).await;
        }
    }
    assert_eq!(rig.status(id).await, JobStatus::Error);
    let clean_up = rig.claim().await.expect("three images to remove");
    assert_eq!(
        (unit(&clean_up).kind(), clean_up.leftovers.len()),
        (UnitKind::CleanUp, 3)
    );
    rig.finish(&clean_up, cleaned(), &clean_up.leftovers[..2])
        .await;
    assert!(rig.claim().await.is_none(), "it backs off");
    rig.pass(60).await;
    let rest = rig.claim().await.expect("one is left");
    assert_eq!(rest.leftovers, clean_up.leftovers[2..]);
    rig.finish(&rest, cleaned(), &rest.leftovers).await;
    assert!(rig.load(id).await.record.is_over());
}

#[tokio::test]
async fn two_at_once_are_never_three_until_all_are_done() {
    let rig = Rig::start(settings(2)).await;
    for _ in 0..200 {
        rig.create("t1").await;
    }
    let mut done = 0;
    let mut running = Vec::new();
    while done < 200 {
        // Several workers ask at the same time.
        let (a, b, c) = tokio::join!(rig.claim(), rig.claim(), rig.claim());
        running.extend([a, b, c].into_iter().flatten());
        assert_eq!(running.len(), 2.min(200 - done));
        let grant = running.remove(0);
        rig.finish(&grant, replicated(&grant), &[]).await;
        done += 1;
    }
    assert!(rig.claim().await.is_none());
}

#[tokio::test]
async fn tenants_take_turns_however_many_jobs_each_has() {
    let rig = Rig::start(settings(100)).await;
    for _ in 0..20 {
        rig.create("many").await;
    }
    for _ in 0..3 {
        rig.create("few").await;
    }
    let mut order = Vec::new();
    for _ in 0..6 {
        let grant = rig.claim().await.expect("work");
        rig.finish(&grant, replicated(&grant), &[]).await;
        let unit = unit(&grant);
        order.push(unit.copy().expect("a copy").source.tenant.to_string());
    }
    assert_eq!(
        order.iter().filter(|tenant| *tenant == "few").count(),
        3,
        "{order:?}"
    );
}
