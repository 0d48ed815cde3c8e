//! A scheduler of the product, on the simulated store, clock and queue.

use std::sync::Arc;
use std::time::Duration;

use domain::RegionId;
use job_scheduler::Scheduler;
use job_scheduler::lifecycle::Rules;
use job_scheduler::metrics::Metrics;
use job_scheduler::settings::Settings;
use job_scheduler::store::shape::{Limits, Shape};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::clock::SimulatedClock;
use crate::cloud::{DESTINATION, SOURCE};
use crate::network::Endpoint;
use crate::process::Process;
use crate::queue::{Broker, PublishingEnd};
use crate::scenario::Setting;
use crate::store::RemoteStore;

/// How long a finished job is kept: longer than any run.
pub(crate) const KEEP_FINISHED: Duration = Duration::from_secs(30 * 24 * 3600);

/// One that runs.
pub(crate) struct RunningScheduler {
    pub(crate) process: Process,
    pub(crate) clock: SimulatedClock,
    scheduler: Scheduler,
    shutdown: CancellationToken,
}

impl RunningScheduler {
    /// Starts it, and says where it can be called.
    pub(crate) fn start(
        store: RemoteStore,
        clock: SimulatedClock,
        broker: &Broker,
        setting: &Setting,
    ) -> (Self, Endpoint) {
        let process = store.scheduler.clone();
        let shutdown = CancellationToken::new();
        let metrics = Arc::new(Metrics::register(&mut Registry::default()));
        let scheduler = Scheduler::new(
            Arc::new(store),
            Arc::new(clock.clone()),
            settings(setting),
            metrics,
            shutdown.clone(),
        );
        scheduler.start_listening().expect("constants");
        scheduler.start_reconciling();
        scheduler.start_dispatching(&PublishingEnd {
            broker: broker.clone(),
            process: process.clone(),
        });
        let (jobs, work) = scheduler.services();
        let endpoint = Endpoint {
            process: process.clone(),
            jobs,
            work,
        };
        let running = Self {
            process,
            clock,
            scheduler,
            shutdown,
        };
        (running, endpoint)
    }

    /// Kills it: nothing of it reaches anybody any more.
    pub(crate) fn kill(self) {
        self.process.kill();
        // What waits for a command to the store waits for ever; the rest ends.
        self.shutdown.cancel();
    }

    /// Tells it to stop and waits until it has.
    pub(crate) async fn stop(self) {
        self.end_tasks().await;
        self.process.kill();
    }

    /// Ends everything that it does by itself.
    pub(crate) async fn end_tasks(&self) {
        self.shutdown.cancel();
        let ended = self.scheduler.ended().await;
        ended.expect("no task ends by itself");
    }

    /// Its jobs, for whoever does the reconciler's work at another time.
    pub(crate) fn jobs(&self) -> &job_scheduler::jobs::Jobs {
        self.scheduler.jobs()
    }

    /// Whether it has ended a task by itself, be it by a panic.
    pub(crate) fn is_broken(&self) -> bool {
        self.shutdown.is_cancelled()
    }
}

/// The product's settings, with durations that make a run short.
pub(crate) fn settings(setting: &Setting) -> Settings {
    let seconds = Duration::from_secs;
    Settings {
        shape: shape(setting),
        rules: Rules {
            lease_length: seconds(setting.lease),
            max_attempts: setting.max_attempts,
            max_lost_leases: setting.max_lost_leases,
            retry_first: seconds(1),
            retry_longest: seconds(15),
            queue_deadline: seconds(setting.job_deadline),
            job_deadline: seconds(setting.job_deadline),
            clean_up_grace: seconds(setting.clean_up_grace),
            keep_finished: KEEP_FINISHED,
        },
        queued_per_tenant: 100,
        idempotency_window: seconds(3600),
        first_ticket: seconds(2),
        ticket_first: seconds(5),
        ticket_longest: seconds(30),
        heartbeat: seconds(1),
        serving_gap: seconds(5),
        reconcile_every: seconds(1),
        plans_per_tenant: 0,
        shortest_plan_period: seconds(60),
        plan_late_window: seconds(60),
    }
}

pub(crate) fn shape(setting: &Setting) -> Shape {
    Shape {
        regions: [SOURCE, DESTINATION].map(RegionId::new).to_vec(),
        limits: Limits {
            copies_per_tenant: setting.copies_per_tenant,
            copies_per_source: 100,
            copies_per_destination: 100,
        },
    }
}
