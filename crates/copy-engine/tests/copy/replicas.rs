//! What rotation removes, and what it leaves.

use copy_engine::{Failure, Ungated, Unremoved, WriteGate, remove_replica};
use domain::{
    Destination, ErrorCode, ImageId, JobId, PlanId, RecoveryPoint, RegionId, ReplicaFate,
    ReplicaRemoval, TenantId,
};
use jiff::Timestamp;
use openstack::{HttpClient, HttpSettings};

use crate::fake_glance::{FakeGlance, FakeImage, Fault, Operation};
use crate::rig::{RefuseAfter, TENANT};

/// A Glance with an old replica and a newer one.
struct Stage {
    glance: FakeGlance,
    http: HttpClient,
    removal: ReplicaRemoval,
}

impl Stage {
    async fn new() -> Self {
        openstack::install_crypto_provider();
        let (old, newer) = (JobId::generate(), JobId::generate());
        let replica = FakeImage::active(old.image_of_attempt(3), TENANT, b"old bytes");
        let survivor = newer.image_of_attempt(1);
        let removal = ReplicaRemoval {
            plan_id: PlanId::generate(),
            replica: RecoveryPoint {
                job_id: old,
                image_id: old.image_of_attempt(3),
                source_image_id: JobId::generate().image_of_attempt(1),
                digest: replica.digest(),
                destination: Destination {
                    region: RegionId::new("ot2"),
                    tenant: TenantId::new(TENANT),
                },
                made_at: Timestamp::UNIX_EPOCH,
            },
            survivors: vec![JobId::generate().image_of_attempt(1), survivor],
        };
        let stage = Self {
            glance: FakeGlance::start().await,
            http: HttpClient::new(HttpSettings::default()).expect("defaults are good"),
            removal,
        };
        stage.glance.put(replica);
        stage
            .glance
            .put(FakeImage::active(survivor, TENANT, b"new bytes"));
        stage
    }

    fn replica(&self) -> ImageId {
        self.removal.replica.image_id
    }

    fn survivor(&self) -> ImageId {
        self.removal.survivors[1]
    }

    fn change(&self, id: ImageId, attribute: &str, value: impl Into<serde_json::Value>) {
        let image = self.glance.image(id).expect("the stage made it");
        self.glance.put(image.with(attribute, value));
    }

    async fn remove(&self) -> Result<ReplicaFate, Unremoved> {
        self.remove_gated(&Ungated).await
    }

    async fn remove_gated(&self, gate: &dyn WriteGate) -> Result<ReplicaFate, Unremoved> {
        remove_replica(&self.glance.client(&self.http), &self.removal, gate).await
    }

    async fn failure(&self) -> Failure {
        match self.remove().await {
            Err(Unremoved::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

    /// The replica is left alone, for this reason.
    async fn assert_kept(&self, why: &str) {
        match self.remove().await {
            Ok(ReplicaFate::Kept(sentence)) => assert!(sentence.contains(why), "{sentence}"),
            other => panic!("{other:?}"),
        }
        assert!(self.glance.image(self.replica()).is_some());
    }
}

#[tokio::test]
async fn a_replica_goes_while_another_stays_and_may_go_twice() {
    let stage = Stage::new().await;
    for _ in 0..2 {
        assert_eq!(stage.remove().await, Ok(ReplicaFate::Gone));
        assert!(stage.glance.image(stage.replica()).is_none());
        assert!(stage.glance.image(stage.survivor()).is_some());
    }
    assert_eq!(stage.glance.writes(), 1);
}

#[tokio::test]
async fn the_last_good_replica_never_goes() {
    let why = "none of the replicas that are to stay is active";
    for (attribute, value) in [
        ("status", "deactivated"),
        ("status", "queued"),
        ("owner", "another"),
    ] {
        let stage = Stage::new().await;
        stage.change(stage.survivor(), attribute, value);
        stage.assert_kept(why).await;
    }
    let mut stage = Stage::new().await;
    // It cannot be its own survivor.
    stage.removal.survivors = vec![stage.replica()];
    stage.assert_kept(why).await;
    stage.removal.survivors.clear();
    stage.assert_kept(why).await;
    assert_eq!(stage.glance.writes(), 0);
}

#[tokio::test]
async fn an_image_that_only_says_that_it_is_a_replica_stays() {
    let mut stage = Stage::new().await;
    let snapshot = JobId::generate().image_of_attempt(1);
    let inherited = FakeImage::active(snapshot, TENANT, b"a snapshot").with(
        copy_engine::REPLICATED_BY_JOB,
        stage.removal.replica.job_id.to_string(),
    );
    stage.glance.put(inherited);
    stage.removal.replica.image_id = snapshot;
    stage.assert_kept("no image that the plan made").await;

    let stage = Stage::new().await;
    stage.change(stage.replica(), "owner", "another");
    stage.assert_kept("no image that the plan made").await;
    assert_eq!(stage.glance.writes(), 0);
}

#[tokio::test]
async fn what_its_owner_holds_on_to_stays() {
    let stage = Stage::new().await;
    stage.change(stage.replica(), "protected", true);
    stage.assert_kept("it is protected").await;
    assert_eq!(stage.glance.writes(), 0);

    let stage = Stage::new().await;
    let in_use = Fault::Refuse(409, "the image is in use");
    stage.glance.plan(Operation::Delete, in_use);
    stage.assert_kept("it is in use").await;
    assert_eq!(stage.remove().await, Ok(ReplicaFate::Gone));
}

#[tokio::test]
async fn a_removal_that_is_forbidden_or_not_answered_is_tried_again() {
    let stage = Stage::new().await;
    for fault in [
        Fault::Refuse(403, "not yours to delete"),
        Fault::Refuse(503, "away"),
    ] {
        stage.glance.plan(Operation::Delete, fault);
        let failure = stage.failure().await;
        assert!(failure.transient, "{failure}");
    }
    stage.glance.plan(Operation::Delete, Fault::LoseAnswer);
    let failure = stage.failure().await;
    assert_eq!(failure.error.code, ErrorCode::DestinationUnavailable);
    assert_eq!(stage.remove().await, Ok(ReplicaFate::Gone));
}

#[tokio::test]
async fn one_that_goes_by_itself_is_gone() {
    let stage = Stage::new().await;
    stage.glance.plan(Operation::Delete, Fault::AfterDeletion);
    assert_eq!(stage.remove().await, Ok(ReplicaFate::Gone));
}

#[tokio::test]
async fn nothing_goes_while_nobody_can_say_what_stays() {
    let stage = Stage::new().await;
    // The replica is shown, undisturbed; the first survivor cannot be looked at.
    stage.glance.plan(Operation::Show, Fault::Excess(0));
    stage.glance.plan(Operation::Show, Fault::Ignore);
    assert!(stage.failure().await.transient);
    assert_eq!(stage.glance.count(Operation::Show), 2);
    assert_eq!(stage.glance.writes(), 0);
}

#[tokio::test]
async fn nothing_goes_without_the_lease() {
    let stage = Stage::new().await;
    let closed = RefuseAfter {
        destination: &stage.glance,
        writes: 0,
    };
    let ended = stage.remove_gated(&closed).await;
    assert!(matches!(ended, Err(Unremoved::Withheld(_))), "{ended:?}");
    assert!(stage.glance.image(stage.replica()).is_some());
}
