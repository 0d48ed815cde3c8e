//! The scheduler over any store: its tasks, of which none may end before it does, and its services.
//!
//! `server.rs` starts one from a configuration, tests from what they like.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::bail;
use proto::v1::admin_service_server::AdminServiceServer;
use proto::v1::job_service_server::JobServiceServer;
use proto::v1::plan_service_server::PlanServiceServer;
use proto::v1::work_service_server::WorkServiceServer;
use proto::v1::workload_service_server::WorkloadServiceServer;
use service_kit::{Backoff, Clock};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use work_queue::Announcer;

use crate::acceptance::Acceptance;
use crate::admin::AdminApi;
use crate::job_service::JobApi;
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use crate::pair_count::PairCount;
use crate::plan_lifecycle::PlanRules;
use crate::plan_service::PlanApi;
use crate::plans::Plans;
use crate::settings::Settings;
use crate::store::Store;
use crate::watch::ChangeFeed;
use crate::work_service::Work;
use crate::workload_service::WorkloadApi;
use crate::{dispatcher, head_count, pair_count, plan_keeper, reconciler, serving};

/// The shortest and longest pause before the subscription to changes is made anew.
const RESUBSCRIBE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// A scheduler over any store: what production and tests start alike.
#[derive(Clone)]
pub struct Scheduler {
    jobs: Jobs,
    plans: Plans,
    feed: ChangeFeed,
    acceptance: Acceptance,
    shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// The first task that ended by itself, which none should.
    broken: Arc<OnceLock<&'static str>>,
}

/// Ends the scheduler when its task ends before it should, be it by a panic.
struct Supervised {
    task: &'static str,
    shutdown: CancellationToken,
    broken: Arc<OnceLock<&'static str>>,
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if !self.shutdown.is_cancelled() {
            // Only the first is of interest.
            let _ = self.broken.set(self.task);
            self.shutdown.cancel();
        }
    }
}

// === impl Scheduler ===

impl Scheduler {
    /// A scheduler that nobody can reach yet.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        metrics: Arc<Metrics>,
        shutdown: CancellationToken,
    ) -> Self {
        let jobs = Jobs {
            store,
            clock,
            settings: Arc::new(settings),
            metrics,
            nudge: Arc::new(Notify::new()),
            plan_nudge: Arc::new(Notify::new()),
            pair_count: PairCount::default(),
        };
        let rules = PlanRules {
            regions: jobs.settings.shape.regions.clone(),
            late_window: jobs.settings.plan_late_window,
            shortest_period: jobs.settings.shortest_plan_period,
        };
        let plans = Plans {
            clock: jobs.clock.clone(),
            rules: Arc::new(rules),
            jobs: jobs.clone(),
        };
        Self {
            jobs,
            plans,
            feed: ChangeFeed::default(),
            acceptance: Acceptance::default(),
            shutdown,
            tasks: TaskTracker::new(),
            broken: Arc::default(),
        }
    }

    /// The same with a time of their own for plans: for tests.
    #[must_use]
    pub fn with_plan_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.plans.clock = clock;
        self
    }

    /// The same, but what is new is accepted only as far as this says.
    #[must_use]
    pub fn with_acceptance(mut self, acceptance: Acceptance) -> Self {
        self.acceptance = acceptance;
        self
    }

    /// Starts a task without which there is no scheduler.
    pub(crate) fn supervise(
        &self,
        task: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let supervised = Supervised {
            task,
            shutdown: self.shutdown.clone(),
            broken: self.broken.clone(),
        };
        let work = async move {
            let _supervised = supervised;
            work.await;
        };
        self.tasks
            .spawn(work.instrument(tracing::info_span!(target: "background", "task", task)));
    }

    /// The jobs, for whoever wants to change one without the network between.
    #[must_use]
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// The plans, likewise.
    #[must_use]
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// Starts to listen to changes made by other schedulers.
    ///
    /// # Errors
    /// Never: the pauses are constants that make a backoff.
    pub fn start_listening(&self) -> anyhow::Result<()> {
        let (first, longest) = RESUBSCRIBE;
        let backoff = Backoff::new(first, longest)?;
        let (feed, store) = (self.feed.clone(), self.jobs.store.clone());
        let listen = feed.run(store, backoff, self.shutdown.clone());
        self.supervise("change feed", listen);
        Ok(())
    }

    /// Starts to do what time demands, and to say that somebody does.
    pub fn start_reconciling(&self) {
        let mark = serving::run(self.jobs.clone(), self.shutdown.clone());
        self.supervise("serving mark", mark);
        let (jobs, feed) = (self.jobs.clone(), self.feed.clone());
        let reconcile = reconciler::run(jobs, feed, self.shutdown.clone());
        self.supervise("reconciler", reconcile);
    }

    /// Starts to count what runs and waits, and to say where nobody takes what waits for so long.
    pub fn start_counting(&self, patience: Duration) {
        let pairs = pair_count::run(self.jobs.clone(), self.shutdown.clone());
        self.supervise("pair count", pairs);
        let count = head_count::run(self.jobs.clone(), patience, self.shutdown.clone());
        self.supervise("head count", count);
    }

    /// Starts to fire plans and to do what they want done.
    pub fn start_keeping_plans(&self) {
        let keep = plan_keeper::run(self.plans.clone(), self.shutdown.clone());
        self.supervise("plan keeper", keep);
    }

    /// Starts to wake workers, a task for each region.
    pub fn start_dispatching(&self, queue: &impl Announcer) {
        for region in &self.jobs.settings.shape.regions {
            let (jobs, queue) = (self.jobs.clone(), queue.clone());
            let run = dispatcher::run(jobs, queue, region.clone(), self.shutdown.clone());
            self.supervise("dispatcher", run);
        }
    }

    /// The services of gateways and workers.
    #[must_use]
    pub fn services(&self) -> (JobServiceServer<JobApi>, WorkServiceServer<Work>) {
        let job_api = JobApi {
            jobs: self.jobs.clone(),
            feed: self.feed.clone(),
            acceptance: self.acceptance.clone(),
            shutdown: self.shutdown.clone(),
        };
        let work = Work {
            jobs: self.jobs.clone(),
            feed: self.feed.clone(),
            shutdown: self.shutdown.clone(),
            tasks: self.tasks.clone(),
        };
        (JobServiceServer::new(job_api), WorkServiceServer::new(work))
    }

    /// The service of gateways for plans.
    #[must_use]
    pub fn plan_service(&self) -> PlanServiceServer<PlanApi> {
        let plans = self.plans.clone();
        let acceptance = self.acceptance.clone();
        PlanServiceServer::new(PlanApi { plans, acceptance })
    }

    /// The service of gateways for administrators of the cloud.
    #[must_use]
    pub fn workload_service(&self) -> WorkloadServiceServer<WorkloadApi> {
        let jobs = self.jobs.clone();
        WorkloadServiceServer::new(WorkloadApi { jobs })
    }

    /// The service of operators, for a listener of its own.
    #[must_use]
    pub fn admin_service(&self) -> AdminServiceServer<AdminApi> {
        AdminServiceServer::new(AdminApi {
            jobs: self.jobs.clone(),
            acceptance: self.acceptance.clone(),
            shutdown: self.shutdown.clone(),
        })
    }

    /// Waits until everything that was started has ended, after shutdown.
    ///
    /// # Errors
    /// When a task ended before it should; names it.
    pub async fn ended(&self) -> anyhow::Result<()> {
        self.tasks.close();
        self.tasks.wait().await;
        match self.broken.get() {
            Some(task) => bail!("the task `{task}` ended by itself"),
            None => Ok(()),
        }
    }
}
