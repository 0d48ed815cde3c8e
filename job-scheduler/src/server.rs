//! Builds the scheduler from its configuration and runs it until its drain is over.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, bail};
use prometheus_client::registry::Registry;
use proto::v1::admin_service_server::AdminServiceServer;
use proto::v1::job_service_server::JobServiceServer;
use proto::v1::plan_service_server::PlanServiceServer;
use proto::v1::work_service_server::WorkServiceServer;
use service_kit::admin::{AdminServer, Readiness};
use service_kit::config::RedisConfig;
use service_kit::telemetry::trace_context;
use service_kit::{Backoff, Clock, Context};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Server;
use tower::util::MapResponseLayer;
use tracing::Instrument;
use work_queue::{Announcer, WorkQueue};

use crate::acceptance::Acceptance;
use crate::admin::AdminApi;
use crate::drain_watch::DrainWatch;
use crate::job_service::JobApi;
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use crate::plan_clock::PlanClock;
use crate::plan_lifecycle::PlanRules;
use crate::plan_service::PlanApi;
use crate::plans::Plans;
use crate::settings::Settings;
use crate::store::redis::{RedisStore, Sentinels, Servers};
use crate::store::{Store, StoreError};
use crate::store_clock::StoreClock;
use crate::store_name::StoreName;
use crate::store_watch::StoreWatch;
use crate::watch::ChangeFeed;
use crate::work_service::Work;
use crate::{dispatcher, durability_watch, head_count, health, plan_keeper, reconciler, serving};

/// The shortest and longest pause before the subscription to changes is made anew.
const RESUBSCRIBE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How long the start waits for Redis between two tries to read which regions are in use.
const START_PAUSE: Duration = Duration::from_secs(1);
/// How often idle workers ask for work at least, where the configuration has no section for workers.
const WORKERS_ASK_EVERY: Duration = Duration::from_secs(30);
/// Pings on idle connections find peers that went away without a word.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// A scheduler over any store: what production and tests start alike.
#[derive(Clone)]
pub struct Scheduler {
    jobs: Jobs,
    plans: Plans,
    feed: ChangeFeed,
    acceptance: Acceptance,
    shutdown: CancellationToken,
    tasks: TaskTracker,
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

    fn supervise(&self, task: &'static str, work: impl Future<Output = ()> + Send + 'static) {
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
            .spawn(work.instrument(tracing::info_span!("task", task)));
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

/// Runs the scheduler of a configuration until its drain is over.
///
/// # Errors
/// When a port cannot be bound, a setting cannot be used, or a region that open jobs name is not
/// configured.
pub async fn run(context: Context) -> anyhow::Result<()> {
    let config = &context.config;
    let settings = Settings::new(config);
    let mut registry = Registry::with_prefix("image_replicator");
    let metrics = Arc::new(Metrics::register(&mut registry));
    let readiness = Readiness::default();
    let redis_answers = readiness.condition("redis");
    let store = Arc::new(store_of(&config.redis, &settings)?);
    let acceptance = if config.scheduler.require_durable_redis {
        Acceptance::while_durable()
    } else {
        Acceptance::default()
    };

    let admin = AdminServer::bind(
        config.scheduler.admin_listen,
        readiness.clone(),
        Arc::new(registry),
    )
    .await?;
    let stop_admin = CancellationToken::new();
    let serving_admin = tokio::spawn(admin.serve(stop_admin.clone()));

    // The port is opened afterwards: until then callers are refused at once and go elsewhere.
    refuse_missing_regions(&*store, &settings, &context.shutdown).await?;
    let listener = bind("scheduler.listen", config.scheduler.listen).await?;
    let operators = config.scheduler.admin_grpc_listen;
    let operators = bind("scheduler.admin_grpc_listen", operators).await?;
    let shutdown = context.shutdown.clone();
    let clock = StoreClock::new(context.clock);
    if let Err(error) = clock.ask(&store).await {
        tracing::warn!(error = %error, "redis did not tell the time");
    }
    let heartbeat = settings.heartbeat;
    let mut scheduler = Scheduler::new(
        store.clone(),
        Arc::new(clock.clone()),
        settings,
        metrics.clone(),
        shutdown.clone(),
    )
    .with_acceptance(acceptance.clone());
    // Refused with the configuration unless a test clock is allowed.
    if let Some(file) = &config.scheduler.plan_clock_offset_file {
        let moved = PlanClock::new(Arc::new(clock.clone()), file.clone());
        moved
            .read()
            .await
            .context("scheduler.plan_clock_offset_file")?;
        scheduler = scheduler.with_plan_clock(Arc::new(moved.clone()));
        let follow = moved.run(scheduler.jobs.plan_nudge.clone(), shutdown.clone());
        scheduler.supervise("plan clock", follow);
    }
    let follow = clock
        .clone()
        .run(store.clone(), heartbeat, shutdown.clone());
    scheduler.supervise("clock", follow);
    scheduler.start_listening()?;
    scheduler.start_reconciling();
    scheduler.start_counting(patience_with_workers(config));
    scheduler.start_keeping_plans();
    let queue_settings = queue_settings(config)?;
    let queue = WorkQueue::start(&queue_settings, shutdown.clone(), &scheduler.tasks)?;
    scheduler.start_dispatching(&queue);
    let (reporter, health) = tonic_health::server::health_reporter();
    let watch = health::run(store.clone(), reporter, redis_answers, shutdown.clone());
    scheduler.supervise("health", watch);
    let told = durability_watch::Told {
        metrics: metrics.clone(),
        note: readiness.note("durability"),
        acceptance,
    };
    let watch = durability_watch::run(store.clone(), told, shutdown.clone());
    scheduler.supervise("durability", watch);
    let watch = DrainWatch::new(scheduler.jobs.clone(), readiness.note("drained"));
    scheduler.supervise("drain watch", watch.run(shutdown.clone()));
    let name = StoreName::unknown();
    let watch = StoreWatch {
        store,
        clock: Arc::new(clock),
        metrics,
        note: readiness.note("store"),
        name: name.clone(),
    };
    scheduler.supervise("store watch", watch.run(shutdown.clone()));

    let (jobs, work) = scheduler.services();
    tracing::info!(listen = %listener.local_addr()?, "serving");
    let serve = Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .trace_fn(span)
        .layer(MapResponseLayer::new(move |answer| name.name(answer)))
        .add_service(health)
        .add_service(jobs)
        .add_service(work)
        .add_service(scheduler.plan_service())
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async {
            shutdown.cancelled().await;
            readiness.drain();
        });
    let address = operators.local_addr()?;
    if !address.ip().is_loopback() {
        tracing::warn!(listen = %address, "whoever reaches the port of operators can change everybody's jobs");
    }
    let serve_operators = Server::builder()
        .trace_fn(span)
        .add_service(scheduler.admin_service())
        .serve_with_incoming_shutdown(
            TcpListenerStream::new(operators),
            shutdown.clone().cancelled_owned(),
        );
    let serve = async { tokio::try_join!(serve, serve_operators).map(drop) };
    let served = served_until_drained(serve, &shutdown, config.scheduler.drain).await;
    // Ends the tasks also when the server failed by itself.
    shutdown.cancel();
    let ended = scheduler.ended().await;
    stop_admin.cancel();
    serving_admin.await.context("the admin port")??;
    served.context("serving gRPC")?;
    ended
}

/// Serves until the calls under way have ended after shutdown, but no longer than the drain: a peer that
/// hangs never ends its call, and a call that is cut off is as good as an answer that got lost.
async fn served_until_drained<E>(
    serve: impl Future<Output = Result<(), E>>,
    shutdown: &CancellationToken,
    drain: Duration,
) -> Result<(), E> {
    let over = async {
        shutdown.cancelled().await;
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        served = serve => served,
        () = over => {
            tracing::warn!("calls were still under way when the drain was over");
            Ok(())
        }
    }
}

/// The store, wherever the configuration says that Redis is.
fn store_of(config: &RedisConfig, settings: &Settings) -> anyhow::Result<RedisStore> {
    let url = config.url()?;
    let servers = if config.sentinels.is_empty() {
        Servers::fixed(&url)?
    } else {
        let sentinels = Sentinels {
            addresses: config.sentinels.clone(),
            master: config.sentinel_master.clone(),
            username: config.sentinel_username.clone(),
            password: config.sentinel_password()?,
        };
        Servers::by_sentinels(&url, sentinels)?
    };
    let (prefix, timeout) = (&config.key_prefix, config.response_timeout);
    let store = RedisStore::at(servers, prefix, timeout, settings.shape.clone());
    Ok(store.waiting_for(config.wait_for_replicas))
}

/// Every idle worker asks twice in this time. The file serves all services, so it may say how often that is.
fn patience_with_workers(config: &service_kit::config::Config) -> Duration {
    config
        .worker()
        .map_or(WORKERS_ASK_EVERY, |worker| worker.poll_longest)
        * 2
}

async fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{key}: can't bind {address}"))
}

fn queue_settings(config: &service_kit::config::Config) -> anyhow::Result<work_queue::Settings> {
    Ok(work_queue::Settings {
        url: config.rabbitmq.url()?,
        queue_prefix: config.rabbitmq.queue_prefix.clone(),
        heartbeat: config.rabbitmq.heartbeat,
        connection_name: env!("CARGO_PKG_NAME").to_owned(),
    })
}

/// Jobs of a region that nobody knows any more could neither end nor be cleaned up. Waits for the
/// store for as long as it takes; not ready until then.
async fn refuse_missing_regions(
    store: &dyn Store,
    settings: &Settings,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    loop {
        match store.regions_in_use().await {
            Ok(used) => {
                let missing = used.into_iter().find(|region| !settings.knows(region));
                if let Some(region) = missing {
                    bail!(
                        "region `{region}` is not configured, but jobs that are not over name it"
                    );
                }
                return Ok(());
            }
            Err(StoreError::Unavailable(why)) => {
                tracing::warn!(error = why, "waiting for the store");
                let pause = tokio::time::sleep(START_PAUSE);
                if shutdown.run_until_cancelled(pause).await.is_none() {
                    return Ok(());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The span of a call, joined to the caller's trace.
fn span(request: &http::Request<()>) -> tracing::Span {
    let span = tracing::info_span!("grpc", rpc.path = request.uri().path());
    if let Some(traceparent) = trace_context::from_headers(request.headers()) {
        trace_context::set_parent(&span, traceparent);
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_hangs_does_not_outlast_the_drain() {
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        let hangs = std::future::pending::<Result<(), String>>();
        let drain = Duration::from_secs(30);
        let begun = tokio::time::Instant::now();
        let served = served_until_drained(hangs, &shutdown, drain).await;
        assert_eq!((served, begun.elapsed()), (Ok(()), drain));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_fails_says_so() {
        let fails = std::future::ready(Err("no port"));
        let shutdown = CancellationToken::new();
        let served = served_until_drained(fails, &shutdown, Duration::ZERO).await;
        assert_eq!(served, Err("no port"));
    }
}
