//! Builds the gateway from its configuration and runs it until it has drained.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use service_kit::admin::{AdminServer, Readiness};
use service_kit::tls::{Agreement, CertificateWatch, Handshakes, TlsMetrics};
use service_kit::{Context, StoreNews};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use work_queue::WorkQueue;

use crate::abandoned_creates::AbandonedCreates;
use crate::app::App;
use crate::auth::{Authenticator, TokenCache};
use crate::copy_jobs::StreamPermits;
use crate::dashboard::SignInRate;
use crate::images::ImageService;
use crate::metrics::Metrics;
use crate::origin::Fronts;
use crate::request_rate::RequestRate;
use crate::router::{openapi_json, operations, router};
use crate::scheduler_client::SchedulerClient;
use crate::server::{Departure, Server};
use crate::supervised::Supervisor;
use crate::wake_up::WakeUps;
use crate::{call_timeouts, fault};

/// A gateway whose ports are bound.
pub struct Gateway {
    app: Arc<App>,
    server: Server,
    admin: AdminServer,
    readiness: Readiness,
    context: Context,
    departure: Departure,
    /// Ends what outlives the drain: the admin port and the connection to RabbitMQ.
    last: CancellationToken,
    tasks: TaskTracker,
    supervisor: Supervisor,
}

/// Builds and runs the gateway; the whole of the binary's work.
///
/// # Errors
/// When the configuration cannot be used or a port cannot be bound.
pub async fn run(context: Context) -> anyhow::Result<()> {
    Gateway::build(context).await?.serve().await
}

impl Gateway {
    /// Builds everything and binds the ports. Needs no other part to be up: the scheduler, RabbitMQ and
    /// Keystone are connected to when they are first needed.
    ///
    /// # Errors
    /// When the configuration cannot be used or a port cannot be bound.
    pub async fn build(context: Context) -> anyhow::Result<Self> {
        let config = &context.config;
        let settings = config.gateway()?;
        let cloud = service_kit::cloud(config, &call_timeouts::within(settings.request_deadline))?;
        let region = cloud
            .region(&settings.region)
            .with_context(|| format!("gateway.region: regions.{} is missing", settings.region))?;

        let mut registry = Registry::with_prefix("image_replicator");
        let metrics = Metrics::register(&mut registry);
        let readiness = Readiness::default();
        let (last, tasks) = (CancellationToken::new(), TaskTracker::new());
        let certificates = CertificateWatch {
            clock: context.clock.clone(),
            metrics: TlsMetrics::register(&mut registry),
            readiness: readiness.clone(),
            stop: last.clone(),
            tasks: tasks.clone(),
        };
        let handshakes = Handshakes::with_callers(settings.tls.as_ref(), &certificates)?;
        let server = Server::bind(settings.listen, handshakes).await?;
        let admin =
            AdminServer::bind(settings.admin_listen, readiness.clone(), Arc::new(registry)).await?;

        let departure = Departure {
            announced: context.shutdown.clone(),
            ..Departure::default()
        };
        let supervisor = Supervisor::new(last.clone(), context.shutdown.clone());
        let store_news = StoreNews::new(
            metrics.store_losses(),
            readiness.note("store"),
            context.clock.clone(),
        );
        let agreement = Agreement::of(&config.grpc, &certificates)?;
        let scheduler = SchedulerClient::new(&settings.scheduler_url, agreement, store_news)
            .context("gateway.scheduler_url")?;
        let queue = WorkQueue::start(
            &work_queue::Settings {
                rabbitmq: config.rabbitmq.clone(),
                connection_name: format!("api-gateway {}", settings.region),
            },
            last.clone(),
            &tasks,
        )
        .context("rabbitmq")?;

        let app = App {
            region: settings.region.clone(),
            challenge: fault::challenge(region.keystone().url().as_str())
                .with_context(|| format!("regions.{}.keystone_url", settings.region))?,
            authenticator: Authenticator::new(
                region.clone(),
                TokenCache::new(settings.token_cache),
                config.policy.clone(),
                context.clock.clone(),
                metrics.clone(),
            ),
            request_rate: RequestRate::new(settings),
            sign_in_rate: SignInRate::new(settings),
            admission: service_kit::admission(config, &cloud, &settings.region)
                .with_context(|| format!("gateway.region: regions.{} is missing", settings.region))?
                .with_lookups_kept_for(settings.lookup_cache),
            image_service: ImageService::new(region.clone()),
            wake_ups: WakeUps::new(queue.publisher(), metrics.clone()),
            abandoned_creates: AbandonedCreates::start(
                scheduler.clone(),
                metrics.clone(),
                // Requests that end during the drain may still leave it something to do.
                last.clone(),
                &tasks,
                supervisor.watch("abandoned creates"),
            ),
            scheduler,
            stream_permits: StreamPermits::default(),
            metrics,
            clock: context.clock.clone(),
            request_deadline: settings.request_deadline,
            body_limit: settings.body_limit_bytes,
            keep_alive: settings.sse_keep_alive,
            openapi: openapi_json()?.into(),
            operations: operations(),
            fronts: Fronts::new(&settings.trusted_fronts),
            shutdown: departure.begun.clone(),
        };
        Ok(Self {
            app: Arc::new(app),
            server,
            admin,
            readiness,
            context,
            departure,
            last,
            tasks,
            supervisor,
        })
    }

    /// Where the public API is served.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Serves until the shutdown, then drains: not ready, and some time later streams end, running requests end,
    /// then the admin port and RabbitMQ.
    ///
    /// # Errors
    /// When the admin port fails, or a task that never ends by itself did.
    pub async fn serve(self) -> anyhow::Result<()> {
        let settings = self.context.config.gateway()?;
        let departure = self.departure;
        let admin = tokio::spawn(self.admin.serve(self.last.clone()).in_current_span());
        // Nothing behind the gateway is a condition: without the scheduler it still answers, with 503,
        // and taking every replica out of its front would turn that into something less clear.
        tracing::info!(address = %self.server.address(), region.id = %self.app.region, "serving");
        let depart = async {
            departure.announced.cancelled().await;
            self.readiness.drain();
            sleep(settings.drain_delay).await;
            departure.begun.cancel();
        };
        let router = router(self.app.clone());
        let serving = self.server.serve(router, departure.clone(), settings.drain);
        tokio::join!(depart, serving);
        self.last.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        admin.await.context("the admin port")??;
        self.supervisor.verdict()
    }
}
