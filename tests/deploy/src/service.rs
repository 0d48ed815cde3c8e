//! What a service does with the configuration that it is given where it is deployed: read by its own parser.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use service_kit::config::Config;

/// The services, each with an image of its own.
pub const SERVICES: [&str; 3] = ["api-gateway", "job-scheduler", "copy-worker"];

/// The command line, which has an image, too.
pub const COMMAND_LINE: &str = "image-replicator";

/// Every program that has an image.
pub fn programs() -> impl Iterator<Item = &'static str> {
    SERVICES.into_iter().chain([COMMAND_LINE])
}

/// Where a service listens and how it ends.
#[derive(Debug)]
pub struct Facts {
    /// All of the configuration.
    pub config: Config,
    /// What others of the service, or callers, connect to, beside the admin port.
    pub port: Option<u16>,
    /// The admin port.
    pub admin_port: u16,
    /// Whether what is to be reached from outside of the container is.
    pub listens_everywhere: bool,
    /// The longest drain.
    pub drain: Duration,
    /// When the configuration expects to be killed.
    pub grace: Duration,
}

/// What `service` makes of this file and environment.
///
/// # Errors
/// When it refuses them, or knows no such service.
pub fn facts(
    service: &str,
    file: &str,
    environment: &BTreeMap<String, String>,
) -> anyhow::Result<Facts> {
    let config = Config::from_table(file.parse()?, environment.clone())
        .with_context(|| format!("{service} refuses its configuration"))?;
    let (listen, admin, drain, grace) = match service {
        "api-gateway" => {
            let gateway = config.gateway()?;
            let drain = gateway.drain_delay + gateway.drain;
            let grace = gateway.termination_grace_period;
            (Some(gateway.listen), gateway.admin_listen, drain, grace)
        }
        "job-scheduler" => {
            let scheduler = &config.scheduler;
            let grace = scheduler.termination_grace_period;
            let listen = Some(scheduler.listen);
            (listen, scheduler.admin_listen, scheduler.drain, grace)
        }
        "copy-worker" => {
            let worker = config.worker()?;
            let grace = worker.termination_grace_period;
            (None, worker.admin_listen, worker.drain, grace)
        }
        other => anyhow::bail!("{other} is no service"),
    };
    Ok(Facts {
        port: listen.map(|address| address.port()),
        admin_port: admin.port(),
        listens_everywhere: admin.ip().is_unspecified()
            && listen.is_none_or(|address| address.ip().is_unspecified()),
        drain,
        grace,
        config,
    })
}
