//! The store as one scheduler reaches it: the product's in-memory store, at the other end of a wire.
//!
//! Commands take their time, so that schedulers get into each other's way between a read and its commit; they
//! fail before or after they are done; those of a frozen scheduler wait, and those of a dead one are never
//! answered. Each commit is held to the rules that every commit keeps.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{ClaimId, ImageId, JobId, JobStatus, PlanId, RegionId, UnitKind};
use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use job_scheduler::fairness::RegionView;
use job_scheduler::job_record::{JobRecord, Owner};
use job_scheduler::plan_record::PlanRecord;
use job_scheduler::store::admin::{AdminStore, Drain};
use job_scheduler::store::lane::Lane;
use job_scheduler::store::lasting::must_last;
use job_scheduler::store::memory::MemoryStore;
use job_scheduler::store::plans::{
    CreatedPlan, Holder, PlanQuery, PlanStore, PlanTerms, StoredPlan,
};
use job_scheduler::store::{
    Census, ChangeNotice, Created, Due, IntakeTerms, PageQuery, Place, Scope, Store, StoreError,
    Stored, TicketPace,
};
use service_kit::Clock as _;
use tokio::sync::Notify;

use crate::clock::SimulatedClock;
use crate::flaw::Flaw;
use crate::process::Process;
use crate::standby::Standby;
use crate::weather::{Trouble, Weather};

/// One scheduler's access.
#[derive(Debug, Clone)]
pub(crate) struct RemoteStore {
    pub(crate) store: MemoryStore,
    pub(crate) scheduler: Process,
    pub(crate) weather: Arc<Weather>,
    /// The store's own clock.
    pub(crate) clock: SimulatedClock,
    /// Ends all subscriptions.
    pub(crate) hang_up: Arc<Notify>,
    pub(crate) standby: Standby,
}

impl RemoteStore {
    /// The way of one command to the store and back.
    async fn command<T>(
        &self,
        command: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let chance = &self.weather.chance;
        self.scheduler.pass().await;
        chance.pause(15, 1..=120).await;
        self.scheduler.pass().await;
        let fails = self.weather.mishap() || self.weather.is(Trouble::StoreAway);
        if fails && chance.percent(70) {
            return Err(StoreError::Unavailable("simulated".to_owned()));
        }
        let answer = command.await;
        chance.pause(10, 1..=120).await;
        self.scheduler.pass().await;
        if fails {
            self.weather
                .journal
                .meet("store failed after the deed", self.scheduler.name());
            return Err(StoreError::Unavailable("simulated".to_owned()));
        }
        answer
    }

    /// A commit of a scheduler that forgets leftovers, if this is one.
    fn forgetting(&self, before: &JobRecord, after: &JobRecord) -> JobRecord {
        let token = |record: &JobRecord| record.lease.as_ref().map(|lease| lease.token);
        let is_granted = after.status == JobStatus::Replicating
            && after.lease.is_some()
            && token(before) != token(after);
        let mut after = after.clone();
        match self.weather.flaw {
            Flaw::LeftoversForgottenAtGrant if is_granted => {
                after.leftovers = vec![after.attempt_image()];
            }
            Flaw::LeftoversForgottenWhenReplicated if after.status == JobStatus::Replicated => {
                after.leftovers.clear();
            }
            _ => {}
        }
        after
    }

    /// As the Redis store asks.
    fn must_last(&self, before: &JobRecord, after: &JobRecord) -> bool {
        let is_cancel = after.status.is_being_canceled() && before.status != after.status;
        must_last(before, after) && !(is_cancel && self.weather.flaw == Flaw::CancelsDoNotLast)
    }

    /// What a commit changed, for the journal.
    fn note(&self, before: &JobRecord, after: &JobRecord) {
        let journal = &self.weather.journal;
        let by = self.scheduler.name();
        if before.status != after.status {
            journal.commit(after.id, before.status, after.status);
            if after.status == JobStatus::Replicated {
                if after.image != Some(after.attempt_image()) {
                    journal.meet("adoption", format_args!("job {}", after.id));
                }
                if !after.leftovers.is_empty() {
                    journal.meet(
                        "replicated with leftovers",
                        format_args!("job {}", after.id),
                    );
                }
            }
        }
        let tokens = |record: &JobRecord| record.lease.as_ref().map(|lease| lease.token);
        if let (Some(lease), true) = (&after.lease, tokens(before) != tokens(after)) {
            let what = format!(
                "job {} attempt {} to {} by {by}, leftovers {:?}",
                after.id, after.attempt, lease.worker, after.leftovers
            );
            match (lease.kind, &before.lease) {
                (UnitKind::CleanUp, _) => journal.meet("clean-up granted", what),
                (_, Some(_)) => journal.meet("takeover", what),
                (_, None) => journal.meet("copy granted", what),
            }
        }
        if after.lost_leases > before.lost_leases {
            journal.meet("lease lapsed", format_args!("job {}", after.id));
        }
        if before.lease.is_some() && after.lease.is_none() {
            journal.note(format_args!("{by}: job {} has no lease", after.id));
        }
        for gone in &before.leftovers {
            if !after.leftovers.contains(gone) {
                journal.note(format_args!("{by}: job {} settled {gone}", after.id));
            }
        }
    }
}

#[async_trait]
impl Store for RemoteStore {
    async fn load(&self, id: JobId) -> Result<Option<Stored>, StoreError> {
        self.command(self.store.load(id)).await
    }

    async fn load_many(&self, ids: &[JobId]) -> Result<Vec<Stored>, StoreError> {
        self.command(self.store.load_many(ids)).await
    }

    async fn job_of_claim(&self, claim: ClaimId) -> Result<Option<JobId>, StoreError> {
        self.command(self.store.job_of_claim(claim)).await
    }

    async fn job_of_key(
        &self,
        owner: &Owner,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<JobId>, StoreError> {
        self.command(self.store.job_of_key(owner, key, now)).await
    }

    async fn create(
        &self,
        record: &JobRecord,
        terms: &IntakeTerms,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let creating = async {
            // The store's own time counts: a scheduler may have been frozen since it looked at its clock.
            if terms
                .not_after
                .is_some_and(|until| until < self.clock.now())
            {
                return Err(StoreError::TooLate);
            }
            let forgetful;
            let record = match self.weather.flaw {
                Flaw::KeysForgotten => {
                    forgetful = JobRecord {
                        idempotency: None,
                        ..record.clone()
                    };
                    &forgetful
                }
                _ => record,
            };
            let created = self.store.create(record, terms, now).await;
            if created.is_ok() {
                self.standby.catch_up(&self.store);
            }
            if matches!(created, Ok(Created::New { .. })) {
                self.weather.witness.created(record);
            }
            let by = self.scheduler.name();
            let what = format_args!("{by}: job {} is created: {created:?}", record.id);
            self.weather.journal.note(what);
            created
        };
        let created = self.command(creating).await?;
        if let Created::New { .. } = created {
            self.weather.witness.promised(record.id, record.status);
        }
        Ok(created)
    }

    async fn commit(
        &self,
        before: &Stored,
        after: &JobRecord,
        now: Timestamp,
    ) -> Result<Stored, StoreError> {
        let after = &self.forgetting(&before.record, after);
        let committing = async {
            let committed = self.store.commit(before, after, now).await;
            match &committed {
                Ok(_) => {
                    if self.must_last(&before.record, after) {
                        self.standby.catch_up(&self.store);
                    }
                    self.note(&before.record, after);
                    self.weather.witness.committed(&before.record, after);
                }
                Err(StoreError::Conflict) => self
                    .weather
                    .journal
                    .meet("commit lost a race", self.scheduler.name()),
                Err(_) => {}
            }
            committed
        };
        let committed = self.command(committing).await?;
        self.weather.witness.promised(after.id, after.status);
        Ok(committed)
    }

    async fn remove(&self, stored: &Stored, now: Timestamp) -> Result<(), StoreError> {
        let removing = async {
            let removed = self.store.remove(stored, now).await;
            if removed.is_ok() {
                self.weather.witness.removed(stored.record.id);
            }
            removed
        };
        self.command(removing).await
    }

    async fn region_view(&self, region: &RegionId) -> Result<RegionView, StoreError> {
        self.command(self.store.region_view(region)).await
    }

    async fn due(&self, what: Due, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError> {
        self.command(self.store.due(what, now, limit)).await
    }

    async fn take_tickets(
        &self,
        region: &RegionId,
        now: Timestamp,
        pace: &TicketPace,
    ) -> Result<Vec<JobId>, StoreError> {
        self.command(self.store.take_tickets(region, now, pace))
            .await
    }

    async fn set_aside(
        &self,
        id: JobId,
        place: &Place,
        now: Timestamp,
        again: Timestamp,
    ) -> Result<(), StoreError> {
        self.command(self.store.set_aside(id, place, now, again))
            .await
    }

    async fn aside(&self, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError> {
        self.command(self.store.aside(now, limit)).await
    }

    async fn put_back(
        &self,
        id: JobId,
        found: Option<&Stored>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.command(self.store.put_back(id, found, now)).await
    }

    async fn page(&self, query: &PageQuery) -> Result<Vec<JobId>, StoreError> {
        self.command(self.store.page(query)).await
    }

    async fn changed_since(
        &self,
        scope: &Scope,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<(JobId, u64)>, StoreError> {
        self.command(self.store.changed_since(scope, sequence, limit))
            .await
    }

    async fn sequence(&self) -> Result<u64, StoreError> {
        self.command(self.store.sequence()).await
    }

    async fn mark_serving(&self, now: Timestamp, gap: Duration) -> Result<Timestamp, StoreError> {
        self.command(self.store.mark_serving(now, gap)).await
    }

    async fn regions_in_use(&self) -> Result<Vec<RegionId>, StoreError> {
        self.command(self.store.regions_in_use()).await
    }

    async fn reseat(&self, region: &RegionId, now: Timestamp) -> Result<(), StoreError> {
        self.command(self.store.reseat(region, now)).await
    }

    async fn running_between(
        &self,
        pairs: &[(RegionId, RegionId)],
    ) -> Result<Vec<u32>, StoreError> {
        self.command(self.store.running_between(pairs)).await
    }

    async fn census(&self, region: &RegionId) -> Result<Census, StoreError> {
        self.command(self.store.census(region)).await
    }

    async fn subscribe(&self) -> Result<BoxStream<'static, ChangeNotice>, StoreError> {
        let notices = self.command(self.store.subscribe()).await?;
        let (scheduler, hang_up) = (self.scheduler.clone(), self.hang_up.clone());
        let passed_on = notices.then(move |notice| {
            let scheduler = scheduler.clone();
            async move {
                scheduler.pass().await;
                notice
            }
        });
        let until_hung_up = async move { hang_up.notified().await };
        Ok(passed_on.take_until(Box::pin(until_hung_up)).boxed())
    }

    async fn barrier(&self, now: Timestamp) -> Result<(), StoreError> {
        let waiting = async {
            self.standby.catch_up(&self.store);
            self.store.barrier(now).await
        };
        self.command(waiting).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.command(self.store.ping()).await
    }
}

/// Plans are not simulated: nobody keeps any.
#[async_trait]
impl PlanStore for RemoteStore {
    async fn load_plan(&self, id: PlanId) -> Result<Option<StoredPlan>, StoreError> {
        self.store.load_plan(id).await
    }

    async fn load_plans(&self, ids: &[PlanId]) -> Result<Vec<StoredPlan>, StoreError> {
        self.store.load_plans(ids).await
    }

    async fn create_plan(
        &self,
        record: &PlanRecord,
        terms: &PlanTerms,
        _now: Timestamp,
    ) -> Result<CreatedPlan, StoreError> {
        let by_its_own_clock = self.clock.now();
        let creating = self.store.create_plan(record, terms, by_its_own_clock);
        creating.await
    }

    async fn commit_plan(
        &self,
        before: &StoredPlan,
        after: &PlanRecord,
    ) -> Result<StoredPlan, StoreError> {
        self.store.commit_plan(before, after).await
    }

    async fn remove_plan(&self, stored: &StoredPlan) -> Result<(), StoreError> {
        self.store.remove_plan(stored).await
    }

    async fn plans_due(&self, now: Timestamp, limit: usize) -> Result<Vec<PlanId>, StoreError> {
        self.store.plans_due(now, limit).await
    }

    async fn postpone_plan(&self, id: PlanId, until: Timestamp) -> Result<(), StoreError> {
        self.store.postpone_plan(id, until).await
    }

    async fn plan_page(&self, query: &PlanQuery) -> Result<Vec<PlanId>, StoreError> {
        self.store.plan_page(query).await
    }

    async fn holders(&self, image: ImageId) -> Result<Vec<Holder>, StoreError> {
        self.store.holders(image).await
    }

    async fn count_plans(&self) -> Result<usize, StoreError> {
        self.store.count_plans().await
    }
}

/// Operators are not simulated: nobody drains anything.
#[async_trait]
impl AdminStore for RemoteStore {
    async fn drains(&self) -> Result<Vec<(RegionId, Drain)>, StoreError> {
        self.store.drains().await
    }

    async fn drain(&self, region: &RegionId, drain: &Drain) -> Result<Option<Drain>, StoreError> {
        self.store.drain(region, drain).await
    }

    async fn undrain(&self, region: &RegionId) -> Result<Option<Drain>, StoreError> {
        self.store.undrain(region).await
    }

    async fn waiting(&self, region: &RegionId) -> Result<Vec<(Lane, usize)>, StoreError> {
        self.store.waiting(region).await
    }

    async fn with_leftovers(
        &self,
        region: &RegionId,
        limit: usize,
    ) -> Result<Vec<JobId>, StoreError> {
        self.store.with_leftovers(region, limit).await
    }

    async fn open_jobs(&self, owner: &Owner) -> Result<usize, StoreError> {
        self.store.open_jobs(owner).await
    }
}
