//! A drained region takes no new unit and says so; what runs there goes on.

use std::sync::Arc;

use domain::JobStatus;
use job_scheduler::store::memory::MemoryStore;
use proto::v1::FinishVerdict;
use service_kit::ManualClock;
use tonic::Code;
use uuid::Uuid;

use super::{OPERATOR, drain, limits, undrain};
use crate::rig::{Rig, replicated};
use crate::sample::{at, settings};

#[tokio::test]
async fn nothing_new_is_granted_until_the_region_is_undrained() {
    let rig = Rig::start(settings(2)).await;
    let running = rig.create("t1").await;
    let claim = Uuid::new_v4();
    let grant = rig.claim_as(claim).await.expect("work");
    let drained = drain(&rig, "ot2").await.expect("drained");
    assert!(!drained.was_drained);
    assert_eq!(drained.running, 1);

    let waiting = rig.create("t1").await;
    assert_eq!(rig.claim().await, None);
    // An answer that was lost is given again: that unit runs.
    assert_eq!(rig.claim_as(claim).await, Some(grant.clone()));
    let verdict = rig.finish(&grant, replicated(&grant), &[]).await;
    assert_eq!(verdict, FinishVerdict::Committed);
    assert_eq!(rig.status(running).await, JobStatus::Replicated);
    assert_eq!(rig.status(waiting).await, JobStatus::ReplicateRequested);
    assert_eq!(rig.claim().await, None);

    assert!(undrain(&rig, "ot2").await.expect("answered"));
    let granted = rig.claim().await.expect("work");
    assert_eq!(granted.job_id, waiting.to_string());
}

#[tokio::test]
async fn every_scheduler_and_the_next_one_follow_and_the_limits_tell() {
    let settings = settings(2);
    let store = Arc::new(MemoryStore::new(settings.shape.clone()));
    let clock = ManualClock::at(at(0));
    let one = Rig::on(store.clone(), settings.clone(), clock.clone()).await;
    let other = Rig::on(store.clone(), settings.clone(), clock.clone()).await;
    drain(&one, "ot2").await.expect("drained");
    let again = drain(&other, "ot2").await.expect("answered");
    assert!(again.was_drained);
    one.create("t1").await;
    assert_eq!(other.claim().await, None);

    let later = Rig::on(store, settings, clock).await;
    assert_eq!(later.claim().await, None);
    let usage = limits(&later).await;
    let told = |region: &str| {
        let mut regions = usage.regions.iter();
        let found = regions.find(|it| it.region_id == region).expect("listed");
        found.drain.clone()
    };
    assert_eq!(told("ot1"), None);
    let drained = told("ot2").expect("drained");
    assert_eq!(drained.operator, OPERATOR);
    assert_eq!(drained.since_ms, at(0).as_millisecond());
    let tenant = &usage.tenants[0];
    assert_eq!((tenant.running, tenant.waiting, tenant.open), (0, 1, 1));
    assert!(undrain(&later, "ot2").await.expect("answered"));
    assert!(one.claim().await.is_some());
}

#[tokio::test]
async fn a_clean_up_waits_as_well_and_an_unknown_region_is_refused() {
    let rig = Rig::start(settings(2)).await;
    let job = rig.create("t1").await;
    let grant = rig.claim().await.expect("work");
    rig.finish(&grant, crate::rig::failed(true), &[]).await;
    drain(&rig, "ot2").await.expect("drained");
    rig.cancel(job, "t1").await.expect("cancelable");
    assert_eq!(rig.claim().await, None);
    assert!(undrain(&rig, "ot2").await.expect("answered"));
    assert!(!undrain(&rig, "ot2").await.expect("answered"));
    assert!(rig.claim().await.is_some());
    for refused in [
        drain(&rig, "ot9").await.map(drop),
        undrain(&rig, "ot9").await.map(drop),
    ] {
        let refused = refused.expect_err("not configured");
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(refused.message(), "region `ot9` is not configured");
    }
}
