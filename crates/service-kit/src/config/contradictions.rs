//! Values that are fine alone and wrong together.

use std::time::Duration;

use super::{
    Config, ConfigError, GatewayConfig, RedisConfig, RegionConfig, Scope, WorkerConfig, secret,
};
use crate::run::DRAIN_MARGIN;

/// A request that is over its deadline is still answered, and a body that nobody wants is read for a moment.
const LATE_ANSWER: Duration = Duration::from_secs(2);

/// Refuses a configuration that contradicts itself.
pub(super) fn refuse(config: &Config) -> Result<(), ConfigError> {
    scheduler(config)?;
    if let Some(gateway) = &config.gateway {
        config.region(&gateway.region)?;
        scheduler_url(config, "gateway.scheduler_url", &gateway.scheduler_url)?;
        end_of_gateway(gateway)?;
    }
    worker(config)?;
    if config.regions.is_empty() {
        return Err(ConfigError::key(
            "regions",
            "is empty: configure at least one region",
        ));
    }
    for (id, region) in &config.regions {
        service_user(&format!("regions.{id}"), region)?;
    }
    if config.copy.read_ahead_bytes < LEAST_READ_AHEAD {
        return Err(ConfigError::key(
            "copy.read_ahead_bytes",
            "must be at least 1048576",
        ));
    }
    if config.copy.streams_max < config.copy.streams_min {
        return Err(ConfigError::key(
            "copy.streams_max",
            format!(
                "must be at least copy.streams_min ({})",
                config.copy.streams_min
            ),
        ));
    }
    positive("copy.idle_timeout", config.copy.idle_timeout)?;
    config.policy.refuse_nonsense()?;
    for ((source, destination), _) in config.bandwidth.pairs() {
        for region in [source, destination] {
            if !config.regions.contains_key(region) {
                return Err(ConfigError::key(
                    format!("bandwidth.pairs.{source}.{destination}"),
                    format!("names the region {region}, which is not configured"),
                ));
            }
        }
    }
    secret::refuse_twice(
        "rabbitmq.url",
        &config.rabbitmq.url,
        &config.rabbitmq.url_file,
    )?;
    redis(&config.redis)
}

fn redis(redis: &RedisConfig) -> Result<(), ConfigError> {
    secret::refuse_twice("redis.url", &redis.url, &redis.url_file)?;
    secret::refuse_twice(
        "redis.sentinel_password",
        &redis.sentinel_password,
        &redis.sentinel_password_file,
    )?;
    if redis.sentinels.is_empty() {
        let without_use = [
            ("redis.sentinel_username", redis.sentinel_username.is_some()),
            (
                "redis.sentinel_password",
                redis.sentinel_password.is_some() || redis.sentinel_password_file.is_some(),
            ),
        ];
        return match without_use.iter().find(|(_, is_set)| *is_set) {
            Some((key, _)) => Err(ConfigError::key(
                *key,
                "means nothing without redis.sentinels: remove it, or name the Sentinels",
            )),
            None => Ok(()),
        };
    }
    if redis.sentinel_master.is_empty() {
        return Err(ConfigError::key(
            "redis.sentinel_master",
            "is empty: the Sentinels know the master by a name",
        ));
    }
    if redis.wait_for_replicas == Some(0) {
        return Err(ConfigError::key(
            "redis.wait_for_replicas",
            "must be at least 1 with redis.sentinels: a failover loses what no replica has",
        ));
    }
    Ok(())
}

fn scheduler(config: &Config) -> Result<(), ConfigError> {
    let scheduler = &config.scheduler;
    for (key, duration) in [
        ("scheduler.heartbeat", scheduler.heartbeat),
        ("scheduler.reconcile_every", scheduler.reconcile_every),
        ("scheduler.ticket_first", scheduler.ticket_first),
        ("scheduler.retry_first", scheduler.retry_first),
        ("scheduler.queue_deadline", scheduler.queue_deadline),
        ("scheduler.job_deadline", scheduler.job_deadline),
    ] {
        positive(key, duration)?;
    }
    at_most(
        ("3 × scheduler.heartbeat", scheduler.heartbeat * 3),
        ("scheduler.lease_length", scheduler.lease_length),
        "a lease must outlive lost heartbeats",
    )?;
    at_most(
        ("2 × scheduler.heartbeat", scheduler.heartbeat * 2),
        ("scheduler.serving_gap", scheduler.serving_gap),
        "one late heartbeat is no outage",
    )?;
    at_most(
        ("scheduler.serving_gap", scheduler.serving_gap),
        ("scheduler.lease_length", scheduler.lease_length),
        "an outage that is long enough to lose leases must be noticed",
    )?;
    at_most(
        ("scheduler.ticket_first", scheduler.ticket_first),
        ("scheduler.ticket_longest", scheduler.ticket_longest),
        "the pause grows",
    )?;
    at_most(
        ("scheduler.retry_first", scheduler.retry_first),
        ("scheduler.retry_longest", scheduler.retry_longest),
        "the pause grows",
    )?;
    at_most(
        ("scheduler.idempotency_window", scheduler.idempotency_window),
        ("scheduler.keep_finished", scheduler.keep_finished),
        "a key must not outlive the job that it names",
    )?;
    for (key, number) in [
        ("scheduler.max_attempts", u64::from(scheduler.max_attempts)),
        (
            "scheduler.max_lost_leases",
            u64::from(scheduler.max_lost_leases),
        ),
        (
            "scheduler.limits.queued_per_tenant",
            scheduler.limits.queued_per_tenant,
        ),
        (
            "scheduler.limits.plans_per_tenant",
            scheduler.limits.plans_per_tenant,
        ),
        (
            "scheduler.limits.copies_per_tenant",
            scheduler.limits.copies_per_tenant,
        ),
        (
            "scheduler.limits.copies_per_source",
            scheduler.limits.copies_per_source,
        ),
        (
            "scheduler.limits.copies_per_destination",
            scheduler.limits.copies_per_destination,
        ),
    ] {
        if number == 0 {
            return Err(ConfigError::key(key, "must be at least 1"));
        }
    }
    killed_after(
        "scheduler",
        ("scheduler.drain", scheduler.drain),
        scheduler.termination_grace_period,
    )?;
    if scheduler.plan_clock_offset_file.is_some() && !scheduler.allow_test_clock {
        return Err(ConfigError::key(
            "scheduler.plan_clock_offset_file",
            "moves the clock of plans, which only a test wants: remove it, or set scheduler.allow_test_clock",
        ));
    }
    Ok(())
}

/// With the longest names, so many still fit the 4 MiB of a gRPC message.
const MOST_PLAN_IMAGES: usize = 2000;

/// What is read from a fast source at once.
const LEAST_READ_AHEAD: usize = 1024 * 1024;

fn worker(config: &Config) -> Result<(), ConfigError> {
    let Some(worker) = &config.worker else {
        return Ok(());
    };
    config.region(&worker.region)?;
    scheduler_url(config, "worker.scheduler_url", &worker.scheduler_url)?;
    positive("worker.report_every", worker.report_every)?;
    positive("worker.poll_shortest", worker.poll_shortest)?;
    positive("worker.minimum_rate_window", worker.minimum_rate_window)?;
    let least = worker.copies.get().saturating_mul(LEAST_READ_AHEAD);
    if worker.read_ahead_bytes < least {
        return Err(ConfigError::key(
            "worker.read_ahead_bytes",
            format!("must be at least {least}: 1 MiB for each of worker.copies"),
        ));
    }
    if worker.plan_images.get() > MOST_PLAN_IMAGES {
        return Err(ConfigError::key(
            "worker.plan_images",
            format!(
                "must be at most {MOST_PLAN_IMAGES}: what is found for a plan goes to the scheduler in one message"
            ),
        ));
    }
    at_most(
        ("worker.poll_shortest", worker.poll_shortest),
        ("worker.poll_longest", worker.poll_longest),
        "they bound the same timer",
    )?;
    at_most(
        ("3 × worker.report_every", worker.report_every * 3),
        ("scheduler.lease_length", config.scheduler.lease_length),
        "a lease must outlive lost reports",
    )?;
    at_most(
        ("scheduler.lease_length", config.scheduler.lease_length),
        ("worker.finish_patience", worker.finish_patience),
        "the end of a copy must be reported for at least one lease",
    )?;
    end_of_worker(worker, config.scheduler.lease_length)
}

/// Where calls are encrypted both ends have to say so.
fn scheduler_url(config: &Config, key: &str, url: &str) -> Result<(), ConfigError> {
    let is_https = url
        .get(..8)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    let problem = match (is_https, config.grpc.tls.is_some()) {
        (true, true) | (false, false) => return Ok(()),
        (false, true) => {
            "is called without TLS, and [grpc.tls] is set: begin it with https://, or remove that section"
        }
        (true, false) => {
            "is called with TLS, and nothing says which certificates to use: set [grpc.tls]"
        }
    };
    Err(ConfigError::key(key, problem))
}

/// From SIGTERM: fronts notice, running requests end, and then the process has ended by itself.
fn end_of_gateway(gateway: &GatewayConfig) -> Result<(), ConfigError> {
    at_most(
        (
            "2s + gateway.request_deadline",
            gateway.request_deadline + LATE_ANSWER,
        ),
        ("gateway.drain", gateway.drain),
        "a drain must let running requests end",
    )?;
    killed_after(
        "gateway",
        (
            "gateway.drain_delay + gateway.drain",
            gateway.drain_delay + gateway.drain,
        ),
        gateway.termination_grace_period,
    )
}

/// From SIGTERM: copies end, those that do not are handed back, and then the process has ended by itself.
fn end_of_worker(worker: &WorkerConfig, lease_length: Duration) -> Result<(), ConfigError> {
    if let Some(hand_back) = worker.hand_back {
        positive("worker.hand_back", hand_back)?;
        at_most(
            ("worker.hand_back", hand_back),
            ("worker.drain", worker.drain),
            "it is the drain's last part",
        )?;
        at_most(
            ("worker.hand_back", hand_back),
            ("scheduler.lease_length", lease_length),
            "a lease that runs out hands a copy on as well",
        )?;
    }
    killed_after(
        "worker",
        ("worker.drain", worker.drain),
        worker.termination_grace_period,
    )
}

/// A service that is killed in its drain cuts callers off, or leaves copies to be missed until their leases end.
fn killed_after(
    service: &str,
    (drain_key, drain): (&str, Duration),
    grace: Duration,
) -> Result<(), ConfigError> {
    let needed = drain + DRAIN_MARGIN;
    if needed <= grace {
        return Ok(());
    }
    let time = humantime::format_duration;
    Err(ConfigError::key(
        format!("{service}.termination_grace_period"),
        format!(
            "is {}, but {drain_key} takes {} and ending takes {} more: make it at least {}, here and in \
             Kubernetes (terminationGracePeriodSeconds), or shorten the drain",
            time(grace),
            time(drain),
            time(DRAIN_MARGIN),
            time(needed),
        ),
    ))
}

fn service_user(key: &str, region: &RegionConfig) -> Result<(), ConfigError> {
    if region.scope == Scope::Admin && region.service_user.project_name.is_none() {
        return Err(ConfigError::key(
            format!("{key}.service_user.project_name"),
            "is missing: scope = \"admin\" needs the project where the service user is admin",
        ));
    }
    let user = &region.service_user;
    secret::refuse_twice(
        &format!("{key}.service_user.password"),
        &user.password,
        &user.password_file,
    )
}

fn positive(key: &str, duration: Duration) -> Result<(), ConfigError> {
    if duration.is_zero() {
        return Err(ConfigError::key(key, "must be longer than 0s"));
    }
    Ok(())
}

fn at_most(
    (short_key, short): (&str, Duration),
    (long_key, long): (&str, Duration),
    reason: &str,
) -> Result<(), ConfigError> {
    if short <= long {
        return Ok(());
    }
    let key = short_key.rsplit(' ').next().unwrap_or(short_key);
    Err(ConfigError::key(
        key,
        format!(
            "{short_key} ({}) must be at most {long_key} ({}): {reason}",
            humantime::format_duration(short),
            humantime::format_duration(long),
        ),
    ))
}
