//! Workers hear how many copies share their pair of regions, whichever scheduler they hang on and whatever becomes of the
//! others.

use std::sync::Arc;
use std::time::Duration;

use domain::JobStatus;
use job_scheduler::store::memory::MemoryStore;
use proto::v1;
use service_kit::ManualClock;
use tokio::time::timeout;

use crate::rig::{Progress, Rig, replicated, report};
use crate::sample::{at, settings, shape};

/// Reports until the answer says so many.
async fn hears(progress: &mut Progress, grant: &v1::Grant, copies: u32) {
    let hearing = async {
        loop {
            let report = report(grant, 1);
            progress.reports.send(report).await.expect("open");
            if progress.next().await.copies_of_pair == Some(copies) {
                return;
            }
        }
    };
    let heard = timeout(Duration::from_secs(60), hearing).await;
    assert!(heard.is_ok(), "it never heard of {copies} copies");
}

#[tokio::test]
async fn a_worker_hears_of_copies_that_begin_end_and_are_lost() {
    let store = Arc::new(MemoryStore::new(shape(4)));
    let clock = ManualClock::at(at(0));
    let one = Rig::on(store.clone(), settings(4), clock.clone()).await;
    let two = Rig::on(store, settings(4), clock).await;
    one.scheduler.start_counting(Duration::from_secs(60));
    for tenant in ["t1", "t2", "t3"] {
        one.create(tenant).await;
    }
    let first = one.claim().await.expect("work");
    let mut progress = one.progress(&first).await;
    hears(&mut progress, &first, 1).await;

    let [second, third] = [two.claim().await, two.claim().await].map(|it| it.expect("work"));
    hears(&mut progress, &first, 3).await;
    two.finish(&second, replicated(&second), &[]).await;
    hears(&mut progress, &first, 2).await;

    // The third's worker is never heard of again.
    let lost = third.job_id.parse().expect("an id");
    let lapsing = async {
        while one.load(lost).await.record.held_lease().is_some() {
            one.pass(5).await;
            hears_anything(&mut progress, &first).await;
        }
    };
    timeout(Duration::from_secs(60), lapsing)
        .await
        .expect("it lapses");
    hears(&mut progress, &first, 1).await;
    let status = one.status(first.job_id.parse().expect("an id")).await;
    assert_eq!(status, JobStatus::Replicating);
}

/// Keeps its own lease.
async fn hears_anything(progress: &mut Progress, grant: &v1::Grant) {
    let report = report(grant, 1);
    progress.reports.send(report).await.expect("open");
    progress.next().await;
}
