//! The ways between the services and what they depend on, each through a [`FaultProxy`] of the test's own process.
//!
//! Only the services, and callers that ask for it, go these ways: what a test itself sees of the cloud goes past
//! them. Ports are the kernel's choice, so a test bed with links takes no more of its block.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

use crate::bed::TestBed;
use crate::fault_proxy::FaultProxy;
use crate::options::{FaultyLinks, Options};
use crate::ports::Ports;
use crate::region::Region;

/// A way that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Link {
    /// From all services to a Keystone; with a shared one, `ot1`'s.
    Keystone(Region),
    /// From all services to a region's front, and so to its Glance.
    Glance(Region),
    /// From all services to RabbitMQ.
    Rabbitmq,
    /// From all schedulers to Redis.
    Redis,
    /// From all gateways to the schedulers.
    Schedulers,
    /// From one worker, counted from 1, to the schedulers.
    Worker(Region, u16),
    /// From callers to a region's gateway; see [`TestBed::link`] for its port.
    Gateway(Region),
}

/// The proxies of one test bed.
///
/// They live in a runtime of their own: a test bed outlives the runtime of the test that started it.
#[derive(Debug, Default)]
pub(crate) struct Links {
    proxies: BTreeMap<Link, FaultProxy>,
    runtime: Option<Runtime>,
}

impl Links {
    /// A proxy for each link that a test bed with these choices has.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub(crate) fn listen(options: &Options, ports: Ports) -> anyhow::Result<Self> {
        let links = match options.faulty_links {
            FaultyLinks::None => return Ok(Self::default()),
            FaultyLinks::One(link) => vec![link],
            FaultyLinks::All => all(options),
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("links")
            .enable_all()
            .build()?;
        let proxies = {
            let _inside = runtime.enter();
            let listen = |link: Link| Ok((link, FaultProxy::listen(link.upstream(ports))?));
            links
                .into_iter()
                .map(listen)
                .collect::<anyhow::Result<_>>()?
        };
        Ok(Self {
            proxies,
            runtime: Some(runtime),
        })
    }

    /// Where each of the links begins.
    pub(crate) fn ports(&self) -> BTreeMap<Link, u16> {
        let proxies = self.proxies.iter();
        proxies.map(|(link, proxy)| (*link, proxy.port())).collect()
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        // To wait for its end is not allowed where the test bed may be dropped: in a task.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn all(options: &Options) -> Vec<Link> {
    let mut links = vec![Link::Rabbitmq, Link::Redis, Link::Schedulers];
    links.extend(options.keystones().iter().copied().map(Link::Keystone));
    links.extend(Region::ALL.map(Link::Glance));
    links.extend(Region::ALL.map(Link::Gateway));
    for (&region, &count) in &options.workers {
        links.extend((1..=count).map(|number| Link::Worker(region, number)));
    }
    links
}

impl Link {
    /// The port that the link leads to.
    pub(crate) fn upstream(self, ports: Ports) -> u16 {
        match self {
            Self::Keystone(region) => ports.keystone(region),
            Self::Glance(region) => ports.front(region),
            Self::Rabbitmq => ports.rabbitmq(),
            Self::Redis => ports.redis(),
            Self::Schedulers | Self::Worker(..) => ports.schedulers(),
            Self::Gateway(region) => ports.gateway(region),
        }
    }
}

impl TestBed {
    /// The proxy of a link.
    ///
    /// # Errors
    /// When the test bed was not built with [`crate::Builder::faulty_links`] or this one link, or has no such link.
    pub fn link(&self, link: Link) -> anyhow::Result<&FaultProxy> {
        let proxy = self.links.proxies.get(&link);
        proxy.with_context(|| format!("no {link:?}: build the test bed with faulty links"))
    }
}
