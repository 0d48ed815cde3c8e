//! A worker's life: takes work until it is told to stop, drains.
//!
//! A worker is made of parts and knows no configuration, so that the service and a simulation of it
//! run the same one. Invariant: nothing of a worker outlives it. Dropped half-way it is gone as a
//! killed process is: its units end where they are, and its leases by themselves.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use admission::Admission;
use copy_engine::EngineSettings;
use domain::{RegionId, WorkerId};
use openstack::Cloud;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use work_queue::Listener;

use crate::drain::{Drain, drain};
use crate::intake::Intake;
use crate::metrics::Metrics;
use crate::scheduler_client::SchedulerClient;
use crate::slots::Slots;
use crate::workshop::Workshop;

/// Everything that a worker is made of.
#[derive(Debug)]
pub struct Parts<Q> {
    /// The region whose units it does.
    pub region: RegionId,
    /// What people call it.
    pub name: WorkerId,
    /// Who grants units and hears how they end.
    pub scheduler: SchedulerClient,
    /// Where it hears of work.
    pub messages: Q,
    /// The regions that it copies between.
    pub cloud: Cloud,
    /// For each region, the rules of copies out of it.
    pub admissions: BTreeMap<RegionId, Admission>,
    /// How copies are made.
    pub engine: EngineSettings,
    /// How many images a plan may copy by a tag.
    pub most_images_of_a_tag: NonZeroUsize,
    /// Units at once.
    pub copies: NonZeroUsize,
    /// How long it waits idle before it asks unasked.
    pub poll: RangeInclusive<Duration>,
    /// Period of progress reports.
    pub report_every: Duration,
    /// How long the end of a unit is reported to a scheduler that is away.
    pub finish_patience: Duration,
    /// How long units may take once it is told to stop.
    pub drain: Drain,
    /// What it counts.
    pub metrics: Metrics,
}

/// A worker that has not begun yet.
pub struct Worker<Q> {
    intake: Intake<Q>,
    hand_back: CancellationToken,
    drain: Drain,
}

impl<Q: Listener> Worker<Q> {
    /// A worker of these parts.
    #[must_use]
    pub fn new(parts: Parts<Q>) -> Self {
        let hand_back = CancellationToken::new();
        let workshop = Workshop {
            scheduler: parts.scheduler.clone(),
            cloud: parts.cloud,
            admissions: parts.admissions,
            engine: parts.engine,
            most_images_of_a_tag: parts.most_images_of_a_tag,
            report_every: parts.report_every,
            finish_patience: parts.finish_patience,
            hand_back: hand_back.clone(),
            metrics: parts.metrics,
        };
        let intake = Intake {
            region: parts.region,
            worker: parts.name,
            scheduler: parts.scheduler,
            messages: parts.messages,
            slots: Slots::new(parts.copies.get()),
            poll: parts.poll,
            workshop: Arc::new(workshop),
            units: JoinSet::new(),
        };
        Self {
            intake,
            hand_back,
            drain: parts.drain,
        }
    }

    /// Works until `shutdown` is cancelled, and then until its units have ended or are handed back.
    pub async fn run(self, shutdown: &CancellationToken) {
        let stopped = async {
            shutdown.cancelled().await;
            Instant::now()
        };
        let (stopped_at, mut units) = tokio::join!(stopped, self.intake.run(shutdown));
        drain(&mut units, &self.hand_back, stopped_at, self.drain).await;
    }
}
