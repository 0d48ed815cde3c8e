//! A Redis that holds so many jobs, the whole scheduler of the product on it, and a caller of both.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::JobId;
use job_scheduler::Scheduler;
use job_scheduler::metrics::Metrics;
use job_scheduler::settings::Settings;
use job_scheduler::store::redis::RedisStore;
use prometheus_client::registry::Registry;
use service_kit::config::Config;
use service_kit::{Clock, Context, SystemClock};
use testbed::eventually;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;
use toml::{Table, Value};
use tonic::transport::Channel;

use super::redis_server::RedisServer;
use super::seed;
use crate::control_plane::ground::connect;

/// How long a scheduler may take to start.
const READY: Duration = Duration::from_secs(30);
/// How long a command may take while a store is filled with many at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// One of the stores that are compared.
pub(super) struct Holding {
    pub(super) jobs: usize,
    /// Seconds that filling it took.
    pub(super) filled_in: f64,
    /// Bytes that the jobs added to Redis' memory.
    pub(super) memory: u64,
    /// A job of the middle, which a page may start behind.
    pub(super) middle: JobId,
    pub(super) scheduler: Channel,
    admin: reqwest::Client,
    admin_url: String,
    /// The same parts as those of the scheduler that runs, to be called one by one.
    pub(super) parts: Scheduler,
    pub(super) store: Arc<RedisStore>,
    pub(super) redis: RedisServer,
    _running: AbortOnDropHandle<anyhow::Result<()>>,
    _stop: DropGuard,
}

impl Holding {
    /// Starts a Redis, fills it, and starts a scheduler with a configuration like this one.
    ///
    /// # Errors
    /// When any of that fails.
    pub(super) async fn set(jobs: usize, configuration: &Table) -> anyhow::Result<Self> {
        let redis = RedisServer::start().await?;
        let mut ports = [0; 3];
        for port in &mut ports {
            *port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        }
        let [listen, admin, operators] = ports.map(|port| format!("127.0.0.1:{port}"));
        let mut configuration = configuration.clone();
        for (section, key, value) in [
            ("redis", "url", redis.url()),
            ("rabbitmq", "queue_prefix", format!("holding-{jobs}")),
            ("scheduler", "listen", listen.clone()),
            ("scheduler", "admin_listen", admin.clone()),
            ("scheduler", "admin_grpc_listen", operators),
        ] {
            let table = configuration
                .entry(section)
                .or_insert_with(|| Table::new().into());
            let table = table.as_table_mut().context("no section")?;
            table.insert(key.to_owned(), Value::String(value));
        }
        let config = Config::from_table(configuration, [])?;
        let settings = Settings::new(&config);
        let store = RedisStore::new(
            &config.redis.url()?,
            &config.redis.key_prefix,
            PATIENCE,
            settings.shape.clone(),
        )?;
        let store = Arc::new(store);
        let clock = Arc::new(SystemClock);
        let (before, began) = (redis.used_memory().await?, tokio::time::Instant::now());
        let middle = seed::fill(&*store, &settings, jobs, clock.now()).await?;
        let filled_in = began.elapsed().as_secs_f64();
        let memory = redis.used_memory().await?.saturating_sub(before);
        redis.keep_log().await?;

        let stop = CancellationToken::new();
        let running = job_scheduler::run(Context {
            config: Arc::new(config),
            config_file: None,
            clock: clock.clone(),
            shutdown: stop.clone(),
        });
        let running = AbortOnDropHandle::new(tokio::spawn(running));
        let metrics = Arc::new(Metrics::register(&mut Registry::default()));
        let parts = Scheduler::new(
            store.clone(),
            clock,
            settings,
            metrics,
            CancellationToken::new(),
        );
        let holding = Self {
            jobs,
            filled_in,
            memory,
            middle,
            scheduler: connect(&format!("http://{listen}"))?,
            admin: testbed::http_client()?,
            admin_url: format!("http://{admin}"),
            parts,
            store,
            redis,
            _running: running,
            _stop: stop.drop_guard(),
        };
        eventually(READY, "a scheduler's readiness", || {
            holding.admin_page("readyz")
        })
        .await?;
        Ok(holding)
    }

    /// Reads a page of the scheduler's admin port.
    ///
    /// # Errors
    /// When there is none, or it tells of an error.
    pub(super) async fn admin_page(&self, name: &str) -> anyhow::Result<()> {
        let page = self.admin.get(format!("{}/{name}", self.admin_url));
        page.send().await?.error_for_status()?.text().await?;
        Ok(())
    }
}
