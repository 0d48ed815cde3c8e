//! Which images without a known job go, and which stay.

use std::sync::atomic::{AtomicUsize, Ordering};

use copy_engine::{REPLICATED_BY_JOB, Ungated, Unremoved, WriteGate, remove_orphan};
use domain::{JobId, OrphanRemoval, RegionId, ReplicaFate, TenantId};
use jiff::Timestamp;
use openstack::{HttpClient, HttpSettings};

use crate::fake_glance::{FakeGlance, FakeImage, Fault, Operation};
use crate::rig::{RefuseAfter, TENANT};

/// A Glance with an orphan: half-made, hidden, older than the limit.
struct Stage {
    glance: FakeGlance,
    http: HttpClient,
    removal: OrphanRemoval,
    is_known: bool,
    asked: AtomicUsize,
}

impl Stage {
    async fn new() -> Self {
        openstack::install_crypto_provider();
        let job = JobId::generate();
        let image = job.image_of_attempt(3);
        let stage = Self {
            glance: FakeGlance::start().await,
            http: HttpClient::new(HttpSettings::default()).expect("defaults are good"),
            removal: OrphanRemoval {
                region: RegionId::new("ot2"),
                image,
                tenant: TenantId::new(TENANT),
                job,
                made_before: "2026-01-01T00:00:01Z".parse().expect("a time"),
                even_if_whole: false,
                even_if_protected: false,
            },
            is_known: false,
            asked: AtomicUsize::new(0),
        };
        stage.glance.put(
            FakeImage::queued(image, TENANT)
                .with("os_hidden", true)
                .with(REPLICATED_BY_JOB, job.to_string()),
        );
        stage
    }

    fn change(&self, attribute: &str, value: impl Into<serde_json::Value>) {
        let image = self.glance.image(self.removal.image);
        let image = image.expect("the stage made it");
        self.glance.put(image.with(attribute, value));
    }

    async fn remove(&self) -> Result<ReplicaFate, Unremoved> {
        self.remove_gated(&Ungated).await
    }

    async fn remove_gated(&self, gate: &dyn WriteGate) -> Result<ReplicaFate, Unremoved> {
        let is_unknown = || async {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Ok(!self.is_known)
        };
        let glance = self.glance.client(&self.http);
        remove_orphan(&glance, &self.removal, is_unknown, gate).await
    }

    async fn assert_kept(&self, why: &str) {
        match self.remove().await {
            Ok(ReplicaFate::Kept(sentence)) => assert!(sentence.contains(why), "{sentence}"),
            other => panic!("{other:?}"),
        }
        assert!(self.glance.image(self.removal.image).is_some());
        assert_eq!(self.glance.writes(), 0);
    }
}

#[tokio::test]
async fn an_orphan_goes_and_may_go_twice() {
    let stage = Stage::new().await;
    for _ in 0..2 {
        assert_eq!(stage.remove().await, Ok(ReplicaFate::Gone));
        assert!(stage.glance.image(stage.removal.image).is_none());
    }
    assert_eq!(stage.glance.writes(), 1);
    assert_eq!(stage.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_image_that_only_says_that_a_job_made_it_stays() {
    let why = "no image that the job made";
    // As a snapshot of a machine that was booted from a copy.
    let mut stage = Stage::new().await;
    let snapshot = JobId::generate().image_of_attempt(1);
    let job = stage.removal.job.to_string();
    let image = FakeImage::queued(snapshot, TENANT).with(REPLICATED_BY_JOB, job);
    stage.glance.put(image);
    stage.removal.image = snapshot;
    stage.assert_kept(why).await;

    for (attribute, value) in [
        ("owner", "another"),
        (REPLICATED_BY_JOB, "33911588-c299-4369-a240-7e5b741cdb6a"),
        (REPLICATED_BY_JOB, ""),
    ] {
        let stage = Stage::new().await;
        stage.change(attribute, value);
        stage.assert_kept(why).await;
        assert_eq!(stage.asked.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn what_is_known_or_young_stays() {
    let mut stage = Stage::new().await;
    stage.is_known = true;
    stage.assert_kept("is known").await;
    let mut stage = Stage::new().await;
    stage.removal.made_before = Timestamp::UNIX_EPOCH;
    stage.assert_kept("too young").await;
}

#[tokio::test]
async fn what_looks_finished_or_is_protected_goes_only_when_that_is_wanted() {
    let mut stage = Stage::new().await;
    stage.change("status", "active");
    stage.change("os_hidden", false);
    stage.change("protected", true);
    stage.assert_kept("its owner may use it").await;
    stage.removal.even_if_whole = true;
    stage.assert_kept("it is protected").await;
    stage.removal.even_if_protected = true;
    assert_eq!(stage.remove().await, Ok(ReplicaFate::Gone));
    assert!(stage.glance.image(stage.removal.image).is_none());
}

#[tokio::test]
async fn nothing_goes_without_the_lease_or_an_answer() {
    let stage = Stage::new().await;
    let closed = RefuseAfter {
        destination: &stage.glance,
        writes: 0,
    };
    let ended = stage.remove_gated(&closed).await;
    assert!(matches!(ended, Err(Unremoved::Withheld(_))), "{ended:?}");
    stage
        .glance
        .plan(Operation::Delete, Fault::Refuse(503, "away"));
    let ended = stage.remove().await;
    let Err(Unremoved::Failed(failure)) = ended else {
        panic!("{ended:?}");
    };
    assert!(failure.transient, "{failure}");
    assert!(stage.glance.image(stage.removal.image).is_some());
    stage
        .glance
        .plan(Operation::Delete, Fault::Refuse(409, "in use"));
    let kept = ReplicaFate::Kept("it is in use".to_owned());
    assert_eq!(stage.remove().await, Ok(kept));
}
