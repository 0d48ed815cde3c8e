//! The worker as a service: a [`Worker`] of its configuration, with its connections and its admin port.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use admission::Admission;
use anyhow::Context as _;
use copy_engine::{Bandwidth, BandwidthLimits};
use domain::{RegionId, WorkerId};
use openstack::{Cloud, HttpSettings, Region};
use prometheus_client::registry::Registry;
use service_kit::admin::{AdminServer, Readiness};
use service_kit::config::{BandwidthConfig, Config, RabbitmqConfig, follow};
use service_kit::tls::{Agreement, CertificateWatch, TlsMetrics};
use service_kit::{Context, StoreNews};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};
use work_queue::{Settings, WorkQueue};

use crate::drain::Drain;
use crate::engine_settings::engine_settings;
use crate::metrics::Metrics;
use crate::scheduler_client::SchedulerClient;
use crate::worker::{Parts, Worker};

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
    let engine = engine_settings(&config.copy, settings);
    let slots = settings.copies.get();
    let metrics = Metrics::register(&mut registry, slots, engine.memory.clone());
    // Stopped last, so that probes, scrapes and messages go on while units end.
    let background = CancellationToken::new();
    let background_tasks = TaskTracker::new();
    let name = worker_id();

    let store_news = StoreNews::new(
        metrics.store_losses(),
        readiness.note("store"),
        context.clock.clone(),
    );
    let certificates = CertificateWatch {
        clock: context.clock.clone(),
        metrics: TlsMetrics::register(registry.sub_registry_with_prefix("image_replicator")),
        readiness: readiness.clone(),
        stop: background.clone(),
        tasks: background_tasks.clone(),
    };
    let agreement = Agreement::of(&config.grpc, &certificates)?;
    let reachable = readiness.condition("scheduler");
    let scheduler = SchedulerClient::new(&settings.scheduler_url, agreement, reachable, store_news)
        .context("worker.scheduler_url")?;
    let queue = WorkQueue::start(
        &queue_settings(&config.rabbitmq, &name),
        background.clone(),
        &background_tasks,
    )
    .context("rabbitmq")?;
    let cloud = service_kit::cloud(config, &HttpSettings::default())?;
    engine.bandwidth.set(&bandwidth_limits(&config.bandwidth));
    if let Some(file) = context.config_file.clone() {
        let follow = follow_bandwidth(file, engine.bandwidth.clone(), background.clone());
        background_tasks.spawn(follow);
    }
    let worker = Worker::new(Parts {
        region: settings.region.clone(),
        name,
        scheduler,
        messages: queue.consumer(settings.region.clone()),
        admissions: admissions(config, &cloud),
        cloud,
        engine,
        most_images_of_a_tag: settings.plan_images,
        copies: settings.copies,
        poll: settings.poll_shortest..=settings.poll_longest,
        report_every: settings.report_every,
        finish_patience: settings.finish_patience,
        drain: Drain {
            length: settings.drain,
            hand_back: settings.hand_back_within(),
        },
        metrics,
    });
    let admin =
        AdminServer::bind(settings.admin_listen, readiness.clone(), Arc::new(registry)).await?;
    background_tasks.spawn(serve_admin(admin, background.clone()));

    let stopping = async {
        context.shutdown.cancelled().await;
        readiness.drain();
    };
    tokio::join!(stopping, worker.run(&context.shutdown));
    background.cancel();
    background_tasks.close();
    background_tasks.wait().await;
    Ok(())
}

/// Lets the caps be what the configuration file says, for as long as the worker lives.
async fn follow_bandwidth(file: PathBuf, bandwidth: Bandwidth, stop: CancellationToken) {
    let apply = |config: &Config| {
        let caps = bandwidth_limits(&config.bandwidth);
        if bandwidth.limits() != caps {
            info!(?caps, "the bandwidth caps have changed");
            bandwidth.set(&caps);
        }
    };
    follow(&file, std::env::vars().collect(), stop, apply).await;
}

fn bandwidth_limits(config: &BandwidthConfig) -> BandwidthLimits {
    let pairs = config.pairs();
    BandwidthLimits {
        process: NonZeroU64::new(config.worker_bytes),
        pairs: pairs
            .map(|((source, destination), rate)| ((source.clone(), destination.clone()), rate))
            .collect(),
    }
}

async fn serve_admin(admin: AdminServer, stop: CancellationToken) {
    if let Err(error) = admin.serve(stop).await {
        error!(
            error.message = format!("{error:#}"),
            "the admin port failed"
        );
    }
}

fn queue_settings(config: &RabbitmqConfig, worker: &WorkerId) -> Settings {
    Settings {
        rabbitmq: config.clone(),
        connection_name: format!("copy-worker {worker}"),
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A region of a configuration.
    fn region(id: &str) -> String {
        format!(
            "[regions.{id}]\nkeystone_url = \"http://127.0.0.1:5000/v3\"\n\
             [regions.{id}.service_user]\nusername = \"u\"\nuser_domain_id = \"default\"\n\
             project_domain_id = \"default\"\npassword_file = \"/run/secrets/{id}\"\n"
        )
    }

    fn caps(worker: u64, pair: u64) -> BandwidthLimits {
        let pair =
            NonZeroU64::new(pair).map(|rate| ((RegionId::new("ot1"), RegionId::new("ot2")), rate));
        BandwidthLimits {
            process: NonZeroU64::new(worker),
            pairs: pair.into_iter().collect(),
        }
    }

    /// The first of them is what the worker began with; the others come while it runs.
    #[tokio::test]
    async fn the_caps_are_those_of_the_file_whenever_it_changes() {
        let name = format!("image-replicator-caps-{}.toml", std::process::id());
        let file = std::env::temp_dir().join(name);
        let write = |section: &str| {
            let text = format!("{}{}{section}", region("ot1"), region("ot2"));
            std::fs::write(&file, text).expect("a file in the temporary directory");
        };
        let bandwidth = Bandwidth::unlimited();
        bandwidth.set(&caps(7, 0));
        write("[bandwidth]\nworker_bytes = 7\n");
        let stop = CancellationToken::new();
        let following = follow_bandwidth(file.clone(), bandwidth.clone(), stop.clone());
        let following = tokio::spawn(following);
        for (section, expected) in [
            (
                "[bandwidth]\nworker_bytes = 7\n[bandwidth.pairs]\not1.ot2 = 5\n",
                caps(7, 5),
            ),
            ("[bandwidth.pairs]\not1.ot2 = 6\n", caps(0, 6)),
            ("", caps(0, 0)),
        ] {
            write(section);
            let followed = async {
                while bandwidth.limits() != expected {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            let in_time = tokio::time::timeout(Duration::from_secs(60), followed).await;
            assert!(in_time.is_ok(), "{:?} for {section}", bandwidth.limits());
        }
        stop.cancel();
        following.await.expect("no panic");
        std::fs::remove_file(&file).expect("it is there");
    }
}
