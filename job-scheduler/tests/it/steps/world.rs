//! One scheduler after the other on one store, its clock, and callers and workers that do what the table says.
//!
//! Callers and workers speak the generated clients, connected to the services without a network between: when a call
//! is dropped, what it did in the scheduler is dropped with it, as in a crash.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::PlanId;
use jiff::SignedDuration;
use job_scheduler::metrics::Metrics;
use job_scheduler::settings::Settings;
use job_scheduler::store::{Store, StoreError};
use job_scheduler::{Scheduler, dispatcher, pair_count, plan_keeper, reconciler};
use prometheus_client::registry::Registry;
use proto::v1::{self, get_job_request};
use service_kit::ManualClock;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::act::Act;
use super::backend::{Backend, Contents};
use super::disturbed_store::DisturbedStore;
use super::noted_queue::NotedQueue;
use crate::plan_bed::DAY;
use crate::sample::{at, job_id, region, settings};

/// The idempotency key of every job that has one.
const KEY: &str = "a key";
/// More than the longest distance of two tickets.
const TICKETS: i64 = 1_000;

/// Whoever was asked is away: ask again.
#[derive(Debug)]
pub(crate) struct Away;

pub(crate) struct World {
    pub(crate) store: Arc<DisturbedStore>,
    backend: Backend,
    clock: ManualClock,
    pub(super) scheduler: Scheduler,
    stop: CancellationToken,
    pub(super) grants: BTreeMap<u128, v1::Grant>,
    /// Texts of records that cannot be read for now.
    hidden: BTreeMap<String, String>,
}

impl World {
    pub(crate) fn new(backend: Backend) -> Self {
        let store = Arc::new(DisturbedStore::new(backend.store()));
        let (clock, stop) = (ManualClock::at(at(0)), CancellationToken::new());
        Self {
            scheduler: scheduler(store.clone(), &clock, &stop),
            store,
            backend,
            clock,
            stop,
            grants: BTreeMap::new(),
            hidden: BTreeMap::new(),
        }
    }

    /// The scheduler is gone, and another takes its place.
    pub(crate) fn replace_scheduler(&mut self) {
        self.stop.cancel();
        self.stop = CancellationToken::new();
        self.scheduler = scheduler(self.store.clone(), &self.clock, &self.stop);
    }

    /// Another scheduler on the same store, with the same callers and workers.
    pub(crate) fn twin(&self) -> Self {
        let stop = CancellationToken::new();
        Self {
            scheduler: scheduler(self.store.clone(), &self.clock, &stop),
            store: self.store.clone(),
            backend: self.backend.clone(),
            clock: self.clock.clone(),
            stop,
            grants: self.grants.clone(),
            hidden: BTreeMap::new(),
        }
    }

    pub(crate) async fn clear(&self) {
        self.backend.clear().await;
    }

    pub(crate) async fn contents(&self) -> Contents {
        self.backend.contents().await
    }

    /// Does what the table says; what was answered.
    pub(crate) async fn act(&mut self, act: Act) -> Result<String, Away> {
        let (jobs, plans) = (self.scheduler.jobs(), self.scheduler.plans());
        match act {
            Act::Create(job) => self.create(job, None).await,
            Act::CreateWithKey(job) => self.create(job, Some(KEY)).await,
            Act::Get(job) => {
                let by = get_job_request::By::JobId(job_id(job).to_string());
                self.get(by).await
            }
            Act::GetByKey => {
                self.get(get_job_request::By::IdempotencyKey(KEY.to_owned()))
                    .await
            }
            Act::List => self.list().await,
            Act::Cancel(job) => self.cancel(job).await,
            Act::Watch(job) => self.watch(Some(job)).await,
            Act::WatchAll => self.watch(None).await,
            Act::ShowImageProgress(job) => self.show_image_progress(job).await,
            Act::ShowWorkload => self.show_workload().await,
            Act::Claim(claim) => self.claim(claim, None).await,
            Act::ClaimHinted(claim, job) => self.claim(claim, Some(job)).await,
            Act::Report(claim) => self.report(claim, v1::Stage::Copying, &[1]).await,
            Act::ReportTwice(claim) => self.report(claim, v1::Stage::Copying, &[1, 500_000]).await,
            Act::ReportCanceling(claim) => self.report(claim, v1::Stage::Canceling, &[1]).await,
            Act::Finish(claim, end) => self.finish(claim, end).await,
            Act::CreatePlan
            | Act::GetPlan
            | Act::ListPlans
            | Act::UpdatePlan
            | Act::SignalPlan(_)
            | Act::DeletePlan => self.plan_call(act).await,
            Act::Operate(verb) => self.operate(verb).await,
            Act::ShowUnknownImages(claim) => self.show_unknown_images(claim).await,
            Act::Reconcile => done(reconciler::tick(jobs).await),
            Act::Reseat => done(reconciler::reseat(jobs).await),
            Act::CountPairs => done(pair_count::count(jobs).await),
            Act::KeepPlans => {
                for _ in 0..3 {
                    done(plan_keeper::tick(plans).await)?;
                }
                Ok(String::new())
            }
            Act::Dispatch => self.dispatch().await,
            Act::Pass(seconds) => {
                self.clock.advance(SignedDuration::from_secs(seconds));
                Ok(String::new())
            }
            Act::Serve(seconds) => {
                for _ in 0..seconds / 5 {
                    self.clock.advance(SignedDuration::from_secs(5));
                    done(reconciler::tick(jobs).await)?;
                }
                Ok(String::new())
            }
            Act::Day => {
                self.clock.advance(SignedDuration::from_secs(DAY));
                Ok(String::new())
            }
            Act::HideJob(job) => self.hide(format!("job:{}", job_id(job))).await,
            Act::HidePlan => self.hide(format!("plan:{}", plan_id())).await,
            Act::ShowHidden => {
                for (key, text) in std::mem::take(&mut self.hidden) {
                    self.backend.rewrite(&key, &text).await;
                }
                Ok(String::new())
            }
        }
    }

    /// Rounds of the dispatcher, of which each is due; the jobs that messages name.
    async fn dispatch(&self) -> Result<String, Away> {
        let (queue, region) = (NotedQueue::default(), region("ot2"));
        for _ in 0..2 {
            self.clock.advance(SignedDuration::from_secs(TICKETS));
            let round = dispatcher::dispatch(self.scheduler.jobs(), &queue, &region);
            round.await.map_err(|_| Away)?;
        }
        Ok(format!("{:?}", queue.noted()))
    }

    async fn hide(&mut self, key: String) -> Result<String, Away> {
        let text = self.backend.rewrite(&key, r#"{"format":99}"#).await;
        self.hidden.insert(key, text);
        Ok(String::new())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn scheduler(
    store: Arc<DisturbedStore>,
    clock: &ManualClock,
    stop: &CancellationToken,
) -> Scheduler {
    let settings = Settings {
        // No look in between that would be one call more on a busy machine.
        heartbeat: Duration::from_secs(3_600),
        ..settings(2)
    };
    let store: Arc<dyn Store> = store;
    let metrics = Arc::new(Metrics::register(&mut Registry::default()));
    Scheduler::new(
        store,
        Arc::new(clock.clone()),
        settings,
        metrics,
        stop.clone(),
    )
}

fn done(ended: Result<(), StoreError>) -> Result<String, Away> {
    match ended {
        Ok(()) => Ok(String::new()),
        Err(StoreError::Unavailable(_)) => Err(Away),
        Err(error) => panic!("{error}"),
    }
}

pub(super) fn plan_id() -> PlanId {
    PlanId::from_uuid(Uuid::from_u128(70))
}
