//! The parts of a test bed: their names, how each is started, when it is ready, and in which order they go.
//!
//! A part's name is what `testbed.json`, the command line and log files use. How a part is configured is its
//! own file's business below.

mod glance;
pub(crate) mod keystone;
mod nginx;
pub(crate) mod rabbitmq;
mod redis;
mod sentinel;
mod services;

use std::fmt;
use std::str::FromStr;

use anyhow::bail;

use crate::ports::SENTINELS;
use crate::ready::Probe;
use crate::region::Region;
use crate::site::Site;
use crate::supervisor::Launch;

/// One process (with its children) of a test bed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The identity service; with a shared one, `ot1`'s serves both regions.
    Keystone(Region, Sharing),
    /// A region's image service.
    Glance(Region),
    /// A region's front: the address that users know.
    Front(Region),
    /// Erlang's port mapper, without which RabbitMQ does not start.
    Epmd,
    /// The message broker.
    Rabbitmq,
    /// The scheduler's store.
    Redis,
    /// A replica of it, counted from 1; it may have become the master.
    RedisReplica(u16),
    /// Watches over the store and its replicas, counted from 1.
    Sentinel(u16),
    /// The common address of all schedulers, as a Kubernetes Service would be.
    Balancer,
    /// A scheduler, counted from 1.
    Scheduler(u16),
    /// The common address of a region's two gateways, as a Kubernetes Service would be.
    Gateways(Region),
    /// The gateway that serves a region as source.
    Gateway(Region),
    /// Another one beside it.
    SecondGateway(Region),
    /// A worker that copies into a region, counted from 1.
    Worker(Region, u16),
}

/// Whether a Keystone serves one region or both; decides its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sharing {
    /// One Keystone for both regions.
    Shared,
    /// One of two.
    Split,
}

impl Part {
    /// Every part that `site` has, those without dependencies first.
    pub(crate) fn all(site: &Site) -> Vec<Self> {
        let mut parts = Self::cloud(site);
        if site.options.services {
            parts.extend(Self::services(site));
        }
        parts
    }

    /// The parts that are not ours.
    pub(crate) fn cloud(site: &Site) -> Vec<Self> {
        let mut parts = vec![Self::Epmd, Self::Rabbitmq, Self::Redis];
        if site.options.redis_replicas > 0 {
            parts.extend((1..=site.options.redis_replicas).map(Self::RedisReplica));
            parts.extend((1..=SENTINELS).map(Self::Sentinel));
        }
        parts.extend(
            site.options
                .keystones()
                .iter()
                .map(|&region| site.keystone_part(region)),
        );
        parts.extend(Region::ALL.map(Self::Glance));
        parts.extend(Region::ALL.map(Self::Front));
        parts
    }

    /// Our services, in the order in which they are started.
    pub(crate) fn services(site: &Site) -> Vec<Self> {
        let mut parts = vec![Self::Balancer];
        parts.extend((1..=site.options.schedulers).map(Self::Scheduler));
        for region in Region::ALL {
            parts.push(Self::Gateway(region));
            if site.options.two_gateways.contains(&region) {
                parts.extend([Self::SecondGateway(region), Self::Gateways(region)]);
            }
        }
        for (&region, &count) in &site.options.workers {
            parts.extend((1..=count).map(|number| Self::Worker(region, number)));
        }
        parts
    }

    /// Writes the part's configuration and says how to start it.
    pub(crate) fn launch(self, site: &Site) -> anyhow::Result<Launch> {
        match self {
            Self::Keystone(region, _) => keystone::launch(site, region, self),
            Self::Glance(region) => glance::launch(site, region, self),
            Self::Front(region) => nginx::launch(site, region, self),
            Self::Epmd => rabbitmq::launch_epmd(site),
            Self::Rabbitmq => rabbitmq::launch(site),
            Self::Redis => redis::launch(site),
            Self::RedisReplica(number) => redis::launch_replica(site, number),
            Self::Sentinel(number) => sentinel::launch(site, number),
            Self::Balancer => services::launch_balancer(site),
            Self::Scheduler(number) => services::launch_scheduler(site, number),
            Self::Gateways(region) => services::launch_gateways(site, region),
            Self::Gateway(region) | Self::SecondGateway(region) => {
                services::launch_gateway(site, region, self)
            }
            Self::Worker(region, number) => services::launch_worker(site, region, number),
        }
    }

    /// How to see that the part does its work.
    pub(crate) fn probe(self, site: &Site) -> Probe {
        let ports = site.ports;
        match self {
            Self::Keystone(region, _) => Probe::Keystone(site.keystone_url(region)),
            Self::Glance(region) => Probe::Http(format!("{}/", site.glance_url(region))),
            Self::Front(region) => Probe::Listens(ports.front(region)),
            Self::Epmd => Probe::Listens(ports.epmd()),
            Self::Rabbitmq => Probe::Amqp(ports.rabbitmq()),
            Self::Redis => Probe::Redis(ports.redis()),
            Self::RedisReplica(number) => Probe::Redis(ports.redis_replica(number)),
            Self::Sentinel(number) => Probe::Redis(ports.sentinel(number)),
            Self::Balancer => Probe::Listens(ports.schedulers()),
            Self::Scheduler(number) => ready_page(ports.scheduler_admin(number)),
            Self::Gateways(region) => Probe::Listens(ports.gateways(region)),
            Self::Gateway(region) => ready_page(ports.gateway_admin(region)),
            Self::SecondGateway(region) => ready_page(ports.second_gateway_admin(region)),
            Self::Worker(region, number) => ready_page(ports.worker_admin(region, number)),
        }
    }

    /// Whether the part is one of our services.
    #[must_use]
    pub fn is_service(self) -> bool {
        matches!(
            self,
            Self::Balancer
                | Self::Scheduler(_)
                | Self::Gateways(_)
                | Self::Gateway(_)
                | Self::SecondGateway(_)
                | Self::Worker(..)
        )
    }
}

fn ready_page(port: u16) -> Probe {
    Probe::Http(format!("http://127.0.0.1:{port}/readyz"))
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keystone(_, Sharing::Shared) => f.write_str("keystone"),
            Self::Keystone(region, Sharing::Split) => write!(f, "keystone-{region}"),
            Self::Glance(region) => write!(f, "glance-{region}"),
            Self::Front(region) => write!(f, "front-{region}"),
            Self::Epmd => f.write_str("epmd"),
            Self::Rabbitmq => f.write_str("rabbitmq"),
            Self::Redis => f.write_str("redis"),
            Self::RedisReplica(number) => write!(f, "redis-replica-{number}"),
            Self::Sentinel(number) => write!(f, "sentinel-{number}"),
            Self::Balancer => f.write_str("schedulers"),
            Self::Scheduler(number) => write!(f, "scheduler-{number}"),
            Self::Gateway(Region::Ot1) => f.write_str("gateway-1"),
            Self::Gateway(Region::Ot2) => f.write_str("gateway-2"),
            Self::SecondGateway(region) => write!(f, "second-gateway-{region}"),
            Self::Gateways(region) => write!(f, "gateways-{region}"),
            Self::Worker(Region::Ot2, number) => write!(f, "worker-{number}"),
            Self::Worker(region, number) => write!(f, "worker-{region}-{number}"),
        }
    }
}

impl FromStr for Part {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        let fixed = [
            Self::Keystone(Region::Ot1, Sharing::Shared),
            Self::Epmd,
            Self::Rabbitmq,
            Self::Redis,
            Self::Balancer,
        ];
        let regional = Region::ALL.into_iter().flat_map(|region| {
            [
                Self::Keystone(region, Sharing::Split),
                Self::Glance(region),
                Self::Front(region),
                Self::Gateways(region),
                Self::Gateway(region),
                Self::SecondGateway(region),
            ]
        });
        if let Some(part) = fixed
            .into_iter()
            .chain(regional)
            .find(|part| part.to_string() == name)
        {
            return Ok(part);
        }
        let (kind, number) = name.rsplit_once('-').unwrap_or((name, ""));
        match (kind, number.parse()) {
            ("redis-replica", Ok(number @ 1..)) => Ok(Self::RedisReplica(number)),
            ("sentinel", Ok(number @ 1..)) => Ok(Self::Sentinel(number)),
            ("scheduler", Ok(number @ 1..)) => Ok(Self::Scheduler(number)),
            ("worker", Ok(number @ 1..)) => Ok(Self::Worker(Region::Ot2, number)),
            ("worker-ot1", Ok(number @ 1..)) => Ok(Self::Worker(Region::Ot1, number)),
            _ => bail!("a test bed has no part {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_parts_agree_in_both_directions() {
        for name in [
            "keystone",
            "keystone-ot1",
            "keystone-ot2",
            "glance-ot1",
            "front-ot2",
            "epmd",
            "rabbitmq",
            "redis",
            "redis-replica-2",
            "sentinel-1",
            "schedulers",
            "scheduler-2",
            "gateway-1",
            "gateway-2",
            "second-gateway-ot1",
            "gateways-ot2",
            "worker-3",
            "worker-ot1-1",
        ] {
            let part: Part = name.parse().expect(name);
            assert_eq!(part.to_string(), name);
        }
        for name in ["", "nova", "worker-0", "worker-x", "scheduler"] {
            assert!(name.parse::<Part>().is_err(), "{name}");
        }
    }
}
