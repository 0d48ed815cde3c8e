//! Section `[scheduler]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The job scheduler. All replicas must have the same.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SchedulerConfig {
    /// Where it listens for gRPC.
    pub listen: SocketAddr,
    /// Its admin port.
    pub admin_listen: SocketAddr,
    /// Where operators call. Nobody there is asked for a token.
    pub admin_grpc_listen: SocketAddr,
    /// How long a lease lives without a report.
    #[serde(deserialize_with = "duration::parse")]
    pub lease_length: Duration,
    /// Period of the serving mark and of re-reading jobs on open streams.
    #[serde(deserialize_with = "duration::parse")]
    pub heartbeat: Duration,
    /// A silence of all schedulers that is longer is an outage: no lease expires for one length after.
    #[serde(deserialize_with = "duration::parse")]
    pub serving_gap: Duration,
    /// Period of the reconciler.
    #[serde(deserialize_with = "duration::parse")]
    pub reconcile_every: Duration,
    /// The first pause between two rounds of wake-up messages for one lane of work; doubles.
    #[serde(deserialize_with = "duration::parse")]
    pub ticket_first: Duration,
    /// The longest pause between two rounds of wake-up messages for one lane of work.
    #[serde(deserialize_with = "duration::parse")]
    pub ticket_longest: Duration,
    /// Attempts that may fail transiently before the job does.
    pub max_attempts: u32,
    /// Leases that may be lost before the job fails.
    pub max_lost_leases: u32,
    /// The first pause between two attempts; doubles.
    #[serde(deserialize_with = "duration::parse")]
    pub retry_first: Duration,
    /// The longest pause between two attempts.
    #[serde(deserialize_with = "duration::parse")]
    pub retry_longest: Duration,
    /// How long a job may wait for its first attempt.
    #[serde(deserialize_with = "duration::parse")]
    pub queue_deadline: Duration,
    /// How long a job may take in all.
    #[serde(deserialize_with = "duration::parse")]
    pub job_deadline: Duration,
    /// How long a cancel waits for a clean destination before it ends as `error`.
    #[serde(deserialize_with = "duration::parse")]
    pub clean_up_grace: Duration,
    /// How long a finished job stays readable.
    #[serde(deserialize_with = "duration::parse")]
    pub keep_finished: Duration,
    /// How long an idempotency key is known.
    #[serde(deserialize_with = "duration::parse")]
    pub idempotency_window: Duration,
    /// How long open calls may take after SIGTERM.
    #[serde(deserialize_with = "duration::parse")]
    pub drain: Duration,
    /// When the process is killed after SIGTERM, whatever it does.
    #[serde(deserialize_with = "duration::parse")]
    pub termination_grace_period: Duration,
    /// Whether new jobs and plans are refused while Redis could lose what was accepted.
    pub require_durable_redis: bool,
    /// How late a plan may fire after it was due while no scheduler ran.
    #[serde(deserialize_with = "duration::parse")]
    pub plan_late_window: Duration,
    /// Test clouds only: lets `plan_clock_offset_file` move the clock of plans.
    pub allow_test_clock: bool,
    /// Test clouds only: a file with how far the clock of plans is ahead; read again and again.
    pub plan_clock_offset_file: Option<PathBuf>,
    /// Who may have how much at once.
    pub limits: LimitsConfig,
}

/// Section `[scheduler.limits]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Jobs of one tenant that are not finished; more are refused with 429.
    pub queued_per_tenant: u64,
    /// Plans of one tenant; more are refused with 403.
    pub plans_per_tenant: u64,
    /// The shortest distance between two fires that a plan's schedule may have; a closer one is refused with 400.
    #[serde(deserialize_with = "duration::parse")]
    pub shortest_plan_period: Duration,
    /// Copies of one tenant at once into one region.
    pub copies_per_tenant: u64,
    /// Copies at once out of one region.
    pub copies_per_source: u64,
    /// Copies at once into one region.
    pub copies_per_destination: u64,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 7100).into(),
            admin_listen: (Ipv4Addr::LOCALHOST, 9102).into(),
            admin_grpc_listen: (Ipv4Addr::LOCALHOST, 7101).into(),
            lease_length: Duration::from_secs(30),
            heartbeat: Duration::from_secs(2),
            serving_gap: Duration::from_secs(10),
            reconcile_every: Duration::from_secs(1),
            ticket_first: Duration::from_secs(30),
            ticket_longest: Duration::from_secs(10 * MINUTE),
            max_attempts: 5,
            max_lost_leases: 20,
            retry_first: Duration::from_secs(5),
            retry_longest: Duration::from_secs(5 * MINUTE),
            queue_deadline: Duration::from_secs(7 * DAY),
            job_deadline: Duration::from_secs(7 * DAY),
            clean_up_grace: Duration::from_secs(DAY),
            keep_finished: Duration::from_secs(30 * DAY),
            idempotency_window: Duration::from_secs(DAY),
            drain: Duration::from_secs(30),
            termination_grace_period: Duration::from_secs(60),
            require_durable_redis: false,
            plan_late_window: Duration::from_secs(HOUR),
            allow_test_clock: false,
            plan_clock_offset_file: None,
            limits: LimitsConfig::default(),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            queued_per_tenant: 10_000,
            plans_per_tenant: 100,
            shortest_plan_period: Duration::from_secs(MINUTE),
            copies_per_tenant: 8,
            copies_per_source: 64,
            copies_per_destination: 64,
        }
    }
}
