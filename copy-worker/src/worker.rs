//! A worker's life: built from its configuration, takes work until it is told to stop, drains.

use std::collections::BTreeMap;
use std::sync::Arc;

use admission::Admission;
use anyhow::Context as _;
use domain::{RegionId, WorkerId};
use openstack::{Cloud, HttpSettings, Region};
use prometheus_client::registry::Registry;
use service_kit::Context;
use service_kit::admin::{AdminServer, Readiness};
use service_kit::config::{Config, RabbitmqConfig};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;
use work_queue::{Settings, WorkQueue};

use crate::drain::{Drain, drain};
use crate::engine_settings::engine_settings;
use crate::intake::Intake;
use crate::metrics::Metrics;
use crate::scheduler_client::SchedulerClient;
use crate::slots::Slots;
use crate::workshop::Workshop;

/// Runs a worker until `context.shutdown` is cancelled and its units have ended or are handed back.
///
/// # Errors
/// When the configuration does not do for a worker, or its admin port can't be bound.
pub async fn run(context: Context) -> anyhow::Result<()> {
    let config = &context.config;
    let settings = config.worker()?;
    config.region(&settings.region).context("worker.region")?;

    let readiness = Readiness::default();
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    // Stopped last, so that probes, scrapes and messages go on while units end.
    let background = CancellationToken::new();
    let background_tasks = TaskTracker::new();
    let worker = worker_id();

    let scheduler = SchedulerClient::new(&settings.scheduler_url, readiness.condition("scheduler"))
        .context("worker.scheduler_url")?;
    let queue = WorkQueue::start(
        &queue_settings(&config.rabbitmq, &worker)?,
        background.clone(),
        &background_tasks,
    )
    .context("rabbitmq")?;
    let cloud = service_kit::cloud(config, &HttpSettings::default())?;
    let hand_back = CancellationToken::new();
    let units = TaskTracker::new();
    let intake = Intake {
        region: settings.region.clone(),
        worker,
        scheduler: scheduler.clone(),
        consumer: queue.consumer(settings.region.clone()),
        slots: Slots::new(settings.copies.get()),
        poll: settings.poll_shortest..=settings.poll_longest,
        units: units.clone(),
        workshop: Arc::new(Workshop {
            scheduler,
            admissions: admissions(config, &cloud),
            cloud,
            engine: engine_settings(&config.copy, settings),
            most_images_of_a_tag: settings.plan_images,
            report_every: settings.report_every,
            finish_patience: settings.finish_patience,
            hand_back: hand_back.clone(),
            metrics,
        }),
    };
    let admin =
        AdminServer::bind(settings.admin_listen, readiness.clone(), Arc::new(registry)).await?;
    background_tasks.spawn(serve_admin(admin, background.clone()));

    let stopping = async {
        context.shutdown.cancelled().await;
        readiness.drain();
        Instant::now()
    };
    let (stopped_at, ()) = tokio::join!(stopping, intake.run(&context.shutdown));
    let time = Drain {
        length: settings.drain,
        hand_back: settings.hand_back_within(),
    };
    drain(&units, &hand_back, stopped_at, time).await;
    background.cancel();
    background_tasks.close();
    background_tasks.wait().await;
    Ok(())
}

async fn serve_admin(admin: AdminServer, stop: CancellationToken) {
    if let Err(error) = admin.serve(stop).await {
        error!(
            error.message = format!("{error:#}"),
            "the admin port failed"
        );
    }
}

fn queue_settings(config: &RabbitmqConfig, worker: &WorkerId) -> anyhow::Result<Settings> {
    Ok(Settings {
        url: config.url()?,
        queue_prefix: config.queue_prefix.clone(),
        heartbeat: config.heartbeat,
        connection_name: format!("copy-worker {worker}"),
    })
}

/// A plan may copy out of any region into this worker's.
fn admissions(config: &Config, cloud: &Cloud) -> BTreeMap<RegionId, Admission> {
    let of = |region: &Region| {
        let id = region.id().clone();
        service_kit::admission(config, cloud, &id).map(|admission| (id, admission))
    };
    cloud.regions().filter_map(of).collect()
}

/// Host and process, for people who look for the worker of a job.
fn worker_id() -> WorkerId {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "worker",
        name => name,
    };
    WorkerId::new(format!("{host}/{}", std::process::id()))
}
