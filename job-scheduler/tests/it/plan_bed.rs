//! Schedulers side by side on one store with a clock of plans that tests move, and a worker that does what it
//! is granted in a cloud of sets.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use domain::{
    ActionId, CopySpec, Creator, Destination, Finish, Grant, ImageDigest, ImageId, ImageSelector,
    JobId, Outcome, PlanAction, PlanDocument, PlanFire, PlanId, PlanView, ReplicaFate,
    ResolvedImage, TenantId, Unit, UserId,
};
use jiff::SignedDuration;
use job_scheduler::plan_keeper;
use job_scheduler::store::Store;
use job_scheduler::store::memory::MemoryStore;
use proto::v1;
use service_kit::ManualClock;
use uuid::Uuid;

use crate::rig::Rig;
use crate::sample::{at, region, settings, shape, spec};

pub(crate) const DAY: i64 = 86_400;

/// Some schedulers, their clocks and the cloud.
pub(crate) struct PlanBed {
    pub(crate) rigs: Vec<Rig>,
    store: Arc<dyn Store>,
    plan_clock: ManualClock,
    pub(crate) cloud: Cloud,
}

/// What the worker sees and does.
#[derive(Debug, Default)]
pub(crate) struct Cloud {
    /// The bytes of each source; those that are not named are of version 0.
    pub(crate) sources: BTreeMap<ImageId, u64>,
    /// What each tag means.
    pub(crate) tags: BTreeMap<String, Vec<ImageId>>,
    /// Replicas that are there.
    pub(crate) replicas: BTreeSet<ImageId>,
    /// Replicas that their owner protects.
    pub(crate) protected: BTreeSet<ImageId>,
    /// Searches, copies and removals that were done, in this order.
    pub(crate) resolved: Vec<JobId>,
    pub(crate) copied: Vec<JobId>,
    pub(crate) removed: Vec<ImageId>,
}

impl PlanBed {
    /// On memory.
    pub(crate) async fn start(schedulers: usize) -> Self {
        let store = Arc::new(MemoryStore::new(shape(2)));
        Self::on(store, schedulers).await
    }

    pub(crate) async fn on(store: Arc<dyn Store>, schedulers: usize) -> Self {
        let mut bed = Self {
            rigs: Vec::new(),
            store,
            plan_clock: ManualClock::at(at(0)),
            cloud: Cloud::default(),
        };
        for _ in 0..schedulers {
            let rig = bed.scheduler().await;
            bed.rigs.push(rig);
        }
        bed
    }

    /// One more scheduler.
    pub(crate) async fn scheduler(&self) -> Rig {
        let (store, truth) = (self.store.clone(), ManualClock::at(at(0)));
        Rig::with_plan_clock(store, settings(2), truth, self.plan_clock.clone()).await
    }

    /// One that looks by itself once an hour.
    pub(crate) async fn rarely_ticking_scheduler(&self) -> Rig {
        let mut settings = settings(2);
        settings.reconcile_every = Duration::from_secs(3_600);
        let (store, truth) = (self.store.clone(), ManualClock::at(at(0)));
        Rig::with_plan_clock(store, settings, truth, self.plan_clock.clone()).await
    }

    /// Moves the clock of plans, and nothing else.
    pub(crate) fn advance(&self, seconds: i64) {
        self.plan_clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Lets all schedulers look at the same time.
    pub(crate) async fn tick(&self) {
        let ticks = self.rigs.iter();
        let ticks = ticks.map(|rig| plan_keeper::tick(rig.scheduler.plans()));
        for ended in futures::future::join_all(ticks).await {
            ended.expect("answers");
        }
    }

    /// Lets everything be done that can be, in turns. What a tick brings about without a worker is news in the
    /// next, so it takes two idle ones to be sure.
    pub(crate) async fn settle(&mut self) {
        let mut idle = 0;
        while idle < 2 {
            self.tick().await;
            let mut done = 0;
            for rig in &self.rigs {
                done += self.cloud.work(rig).await;
            }
            idle = if done == 0 { idle + 1 } else { 0 };
        }
    }

    pub(crate) async fn create(&self, document: &PlanDocument) -> PlanId {
        let id = PlanId::generate();
        self.create_as(id, "t1", document).await.expect("accepted");
        id
    }

    pub(crate) async fn create_as(
        &self,
        id: PlanId,
        tenant: &str,
        document: &PlanDocument,
    ) -> Result<PlanView, tonic::Status> {
        let request = v1::CreatePlanRequest {
            plan_id: id.to_string(),
            region_id: "ot1".to_owned(),
            tenant_id: tenant.to_owned(),
            creator: Some((&creator()).into()),
            document: Some(document.into()),
            not_after_ms: None,
        };
        let answer = self.rigs[0].plans.clone().create_plan(request).await?;
        Ok(seen(answer.into_inner()))
    }

    pub(crate) async fn get(&self, id: PlanId) -> PlanView {
        let request = v1::GetPlanRequest {
            viewer: Rig::viewer("t1"),
            plan_id: id.to_string(),
        };
        let answer = self.rigs[0].plans.clone().get_plan(request).await;
        seen(answer.expect("exists").into_inner())
    }

    pub(crate) async fn signal(&self, id: PlanId, event: v1::PlanEvent) -> (PlanView, String) {
        let request = v1::SignalPlanRequest {
            viewer: Rig::viewer("t1"),
            plan_id: id.to_string(),
            event: event.into(),
            creator: Some((&creator()).into()),
        };
        let answer = self.rigs[0].plans.clone().signal_plan(request).await;
        let answer = answer.expect("answered").into_inner();
        let plan = answer.plan.expect("a plan").try_into().expect("sound");
        (plan, answer.result)
    }
}

impl Cloud {
    /// Does all units that there are; says how many.
    pub(crate) async fn work(&mut self, rig: &Rig) -> usize {
        let mut done = 0;
        while let Some(grant) = rig.claim().await {
            self.do_unit(rig, &grant).await;
            done += 1;
        }
        done
    }

    pub(crate) async fn do_unit(&mut self, rig: &Rig, grant: &v1::Grant) {
        let sound = Grant::try_from(grant.clone()).expect("a sound grant");
        let outcome = match &sound.unit {
            Unit::Copy(_) => {
                let image = sound.destination_image_id.expect("a copy");
                self.replicas.insert(image);
                self.copied.push(sound.job_id);
                Outcome::Replicated { image }
            }
            Unit::CleanUp(_) => Outcome::Cleaned,
            Unit::Resolve(fire) => {
                self.resolved.push(sound.job_id);
                Outcome::Resolved {
                    images: self.resolve(fire),
                }
            }
            Unit::FindOrphans(_) | Unit::RemoveOrphan(_) => unreachable!("no plan's"),
            Unit::Remove(removal) => {
                let image = removal.replica.image_id;
                let whole = |image: &ImageId| self.replicas.contains(image);
                assert!(removal.survivors.iter().any(whole), "one must stay");
                if self.protected.contains(&image) {
                    Outcome::Removed(ReplicaFate::Kept("it is protected".to_owned()))
                } else {
                    if self.replicas.remove(&image) {
                        self.removed.push(image);
                    }
                    Outcome::Removed(ReplicaFate::Gone)
                }
            }
        };
        let word = v1::FinishRequest::from(&Finish {
            job_id: sound.job_id,
            lease_token: sound.lease_token,
            outcome,
            settled: sound.leftovers,
            bytes_copied: 0,
        });
        let outcome = word.outcome.expect("just made");
        rig.finish(grant, outcome, &word.settled).await;
    }

    fn resolve(&self, fire: &PlanFire) -> Vec<ResolvedImage> {
        let images = match &fire.selector {
            ImageSelector::Id(id) => vec![*id],
            ImageSelector::Name(_) => vec![image(7)],
            ImageSelector::Tag(tag) => self.tags.get(tag).cloned().unwrap_or_default(),
        };
        let resolve = |source: ImageId| {
            let spec = self.spec_of(source, fire);
            let same = fire.newest.iter().find(|it| {
                it.source_image_id == source
                    && it.digest == spec.source_digest
                    && self.replicas.contains(&it.image_id)
            });
            match same {
                Some(newest) => ResolvedImage::Identical {
                    source,
                    replica: newest.image_id,
                },
                None => ResolvedImage::Copy(Box::new(spec)),
            }
        };
        images.into_iter().map(resolve).collect()
    }

    fn spec_of(&self, source: ImageId, fire: &PlanFire) -> CopySpec {
        let version = self.sources.get(&source).copied().unwrap_or(0);
        let mut spec = spec("ot1", fire.source_tenant.as_str(), "ot2");
        spec.source.image = source;
        spec.source_digest = ImageDigest {
            os_hash_value: Some(format!("{version:02x}")),
            ..spec.source_digest
        };
        spec.destination = fire.destination.clone();
        spec
    }
}

pub(crate) fn image(number: u128) -> ImageId {
    ImageId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn creator() -> Creator {
    Creator {
        id: UserId::new("alice-id"),
        name: "alice".to_owned(),
        domain_id: "default".to_owned(),
        domain_name: "Default".to_owned(),
    }
}

/// Copies image 7 and keeps so many replicas.
pub(crate) fn action(number: u128, keep: u32) -> PlanAction {
    PlanAction {
        id: ActionId::from_uuid(Uuid::from_u128(number)),
        selector: ImageSelector::Id(image(7)),
        destination: Destination {
            region: region("ot2"),
            tenant: TenantId::new("there"),
        },
        rotation: NonZeroU32::new(keep),
        max_retries: 0,
        retry_interval: Duration::from_secs(60),
        mandatory: false,
        as_written: "{}".to_owned(),
    }
}

pub(crate) fn daily(actions: &[PlanAction]) -> PlanDocument {
    let mut document = PlanDocument {
        actions: actions.to_vec(),
        ..PlanDocument::default()
    };
    document.schedule.interval = Some("1 days".to_owned());
    document
}

fn seen(answer: v1::PlanResponse) -> PlanView {
    let plan = answer.plan.expect("a plan");
    plan.try_into().expect("sound")
}
