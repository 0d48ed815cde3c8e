//! Builds the scheduler from its configuration and runs it until its drain is over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use prometheus_client::registry::Registry;
use service_kit::Context;
use service_kit::admin::{AdminServer, Readiness};
use service_kit::config::RedisConfig;
use service_kit::rpc::{ObserveCalls, RpcMetrics, incoming};
use service_kit::tls::{CertificateWatch, Handshakes, TlsMetrics};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Server;
use tower::util::MapResponseLayer;
use work_queue::WorkQueue;

use crate::acceptance::Acceptance;
use crate::drain_watch::DrainWatch;
use crate::metrics::Metrics;
use crate::plan_clock::PlanClock;
use crate::scheduler::Scheduler;
use crate::settings::Settings;
use crate::store::redis::{RedisStore, Servers};
use crate::store::{Store, StoreError};
use crate::store_clock::StoreClock;
use crate::store_name::StoreName;
use crate::store_watch::StoreWatch;
use crate::{durability_watch, health};

/// How long the start waits for Redis between two tries to read which regions are in use.
const START_PAUSE: Duration = Duration::from_secs(1);
/// How often idle workers ask for work at least, where the configuration has no section for workers.
const WORKERS_ASK_EVERY: Duration = Duration::from_secs(30);
/// Pings on idle connections find peers that went away without a word.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

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
    let tls_metrics = TlsMetrics::register(&mut registry);
    let scheduler_metrics = registry.sub_registry_with_prefix("scheduler");
    let rpcs = RpcMetrics::register(scheduler_metrics);
    let observe = ObserveCalls::new(rpcs);
    let readiness = Readiness::default();
    let certificates = CertificateWatch {
        clock: context.clock.clone(),
        metrics: tls_metrics,
        readiness: readiness.clone(),
        stop: context.shutdown.clone(),
        tasks: TaskTracker::new(),
    };
    let handshakes = Handshakes::with_services(&config.grpc, &certificates)?;
    let redis_answers = readiness.condition("redis");
    let store = Arc::new(store_of(&config.redis, &settings)?);
    store.calls().register(scheduler_metrics);
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
        let follow = moved.run(scheduler.jobs().plan_nudge.clone(), shutdown.clone());
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
    let queue_settings = queue_settings(config);
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
    let watch = DrainWatch::new(scheduler.jobs().clone(), readiness.note("drained"));
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
        .layer(observe.clone())
        .layer(MapResponseLayer::new(move |answer| name.name(answer)))
        .add_service(health)
        .add_service(jobs)
        .add_service(work)
        .add_service(scheduler.plan_service())
        .add_service(scheduler.workload_service())
        .serve_with_incoming_shutdown(incoming(listener, handshakes), async {
            shutdown.cancelled().await;
            readiness.drain();
        });
    let address = operators.local_addr()?;
    if !address.ip().is_loopback() {
        tracing::warn!(listen = %address, "whoever reaches the port of operators can change everybody's jobs");
    }
    let serve_operators = Server::builder()
        .layer(observe)
        .add_service(scheduler.admin_service())
        .serve_with_incoming_shutdown(
            incoming(operators, None),
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
    let servers = Servers::of(config)?;
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

fn queue_settings(config: &service_kit::config::Config) -> work_queue::Settings {
    work_queue::Settings {
        rabbitmq: config.rabbitmq.clone(),
        connection_name: env!("CARGO_PKG_NAME").to_owned(),
    }
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
