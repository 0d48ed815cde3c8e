//! What the scheduler takes from the configuration, in its own words.

use std::time::Duration;

use domain::RegionId;
use service_kit::config::Config;

use crate::lifecycle::Rules;
use crate::store::placement::ANNOUNCED;
use crate::store::shape::{Limits, Shape};

/// Everything that decides what the scheduler does.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Regions and limits.
    pub shape: Shape,
    /// The rules of a job's life.
    pub rules: Rules,
    /// Open jobs that a tenant may have.
    pub queued_per_tenant: usize,
    /// How long an idempotency key is known.
    pub idempotency_window: Duration,
    /// When the scheduler first sends a message for a new job.
    pub first_ticket: Duration,
    /// The distance between two messages for one lane of units, at first.
    pub ticket_first: Duration,
    /// And at most.
    pub ticket_longest: Duration,
    /// Period of directives and re-reads on open streams.
    pub heartbeat: Duration,
    /// A longer silence of all schedulers is an outage.
    pub serving_gap: Duration,
    /// Period of the reconciler and the dispatcher.
    pub reconcile_every: Duration,
    /// Plans that a tenant may have.
    pub plans_per_tenant: usize,
    /// The shortest distance between two fires of a plan.
    pub shortest_plan_period: Duration,
    /// How late a plan may fire.
    pub plan_late_window: Duration,
}

// === impl Settings ===

impl Settings {
    /// Reads them.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let scheduler = &config.scheduler;
        let limits = &scheduler.limits;
        Self {
            shape: Shape {
                regions: config.regions.keys().cloned().collect(),
                limits: Limits {
                    copies_per_tenant: size(limits.copies_per_tenant),
                    copies_per_source: size(limits.copies_per_source),
                    copies_per_destination: size(limits.copies_per_destination),
                },
            },
            rules: Rules {
                lease_length: scheduler.lease_length,
                max_attempts: scheduler.max_attempts,
                max_lost_leases: scheduler.max_lost_leases,
                retry_first: scheduler.retry_first,
                retry_longest: scheduler.retry_longest,
                queue_deadline: scheduler.queue_deadline,
                job_deadline: scheduler.job_deadline,
                clean_up_grace: scheduler.clean_up_grace,
                keep_finished: scheduler.keep_finished,
            },
            queued_per_tenant: size(limits.queued_per_tenant),
            idempotency_window: scheduler.idempotency_window,
            first_ticket: ANNOUNCED,
            ticket_first: scheduler.ticket_first,
            ticket_longest: scheduler.ticket_longest,
            heartbeat: scheduler.heartbeat,
            serving_gap: scheduler.serving_gap,
            // The serving mark is written at each tick, so a tick is never longer than its period.
            reconcile_every: scheduler.reconcile_every.min(scheduler.heartbeat),
            plans_per_tenant: size(limits.plans_per_tenant),
            shortest_plan_period: limits.shortest_plan_period,
            plan_late_window: scheduler.plan_late_window,
        }
    }

    /// Whether the configuration has a region.
    #[must_use]
    pub fn knows(&self, region: &RegionId) -> bool {
        self.shape.regions.contains(region)
    }
}

fn size(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
