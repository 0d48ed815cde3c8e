//! A worker of the product, on the simulated network, queue and cloud.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use copy_engine::EngineSettings;
use copy_worker::{Drain, Metrics, Parts, SchedulerClient, Worker};
use domain::{RegionId, WorkerId};
use service_kit::admin::Readiness;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::cloud::{Cloud, DESTINATION};
use crate::network::Network;
use crate::process::Process;
use crate::queue::Broker;
use crate::scenario::Setting;

/// One that runs; dropped, it is gone.
pub(crate) struct RunningWorker {
    pub(crate) process: Process,
    metrics: Metrics,
    shutdown: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl RunningWorker {
    /// Starts it.
    pub(crate) fn start(
        process: Process,
        number: usize,
        network: &Network,
        broker: &Broker,
        cloud: &Cloud,
        setting: &Setting,
    ) -> Self {
        let seconds = Duration::from_secs;
        let transport = network.link(process.clone(), Some(number));
        let metrics = Metrics::default();
        let worker = Worker::new(Parts {
            region: RegionId::new(DESTINATION),
            name: WorkerId::new(process.name()),
            scheduler: SchedulerClient::over(
                transport,
                Readiness::default().condition("scheduler"),
            ),
            messages: broker.consumer(process.clone()),
            cloud: cloud.clients(&process),
            admissions: BTreeMap::new(),
            engine: EngineSettings {
                idle_timeout: seconds(10),
                ..EngineSettings::default()
            },
            most_images_of_a_tag: NonZeroUsize::MIN,
            copies: NonZeroUsize::new(setting.copies).expect("at least one"),
            poll: seconds(4)..=seconds(8),
            report_every: seconds(1),
            finish_patience: seconds(90),
            drain: Drain {
                length: seconds(8),
                hand_back: seconds(5),
            },
            metrics: metrics.clone(),
        });
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let task = tokio::spawn(async move { worker.run(&stop).await });
        Self {
            process,
            metrics,
            shutdown,
            task: AbortOnDropHandle::new(task),
        }
    }

    /// Kills it.
    pub(crate) fn kill(self) {
        self.process.kill();
        self.task.abort();
    }

    /// Tells it to stop, and waits until it has finished or handed back what it does.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("no panic");
        self.process.kill();
    }

    /// Whether it works on any unit.
    pub(crate) fn is_at_work(&self) -> bool {
        self.metrics.units_running() > 0
    }

    /// Whether it has ended by itself, which only a panic makes it do.
    pub(crate) fn is_broken(&self) -> bool {
        self.task.is_finished() && !self.shutdown.is_cancelled()
    }
}
