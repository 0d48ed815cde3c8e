//! What can be chosen about a test bed. Kept in its state, so that a later `up` or `start` builds the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::authority::ServerCertificate;
use crate::links::Link;
use crate::region::Region;

/// The choices of one test bed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// One Keystone a region instead of a shared one.
    pub split_keystone: bool,
    /// Start our services too, not only the cloud and the brokers.
    pub services: bool,
    /// Build our services with the release profile.
    pub release: bool,
    /// Schedulers behind the schedulers' common address.
    pub schedulers: u16,
    /// Regions with two gateways behind an address of their own.
    pub two_gateways: BTreeSet<Region>,
    /// Workers that copy into each region.
    pub workers: BTreeMap<Region, u16>,
    /// How long a Keystone token is valid.
    pub token_expiration: Duration,
    /// Whether the clock of plans can be moved.
    pub movable_plan_clock: bool,
    /// Whether the wall clock of schedulers and workers can be set. Not every machine allows it: see [`crate::may_have_own_disk`].
    pub movable_wall_clock: bool,
    /// Which of the ways from the services to what they depend on lead through proxies that a test can command.
    pub faulty_links: FaultyLinks,
    /// Each region's Glance.
    pub glance: BTreeMap<Region, GlanceOptions>,
    /// The message broker.
    pub rabbitmq: RabbitmqOptions,
    /// Replicas of Redis; with any there are Sentinels too, and the schedulers ask them where the master is.
    pub redis_replicas: u16,
    /// Redis directives beyond (or instead of) the test bed's own, as in redis.conf.
    pub redis: BTreeMap<String, String>,
    /// The certificate of everything that our services connect to or are connected by, who then speak TLS: RabbitMQ, Redis,
    /// the gateways, and calls between services. What is not ours listens without TLS, too.
    pub tls: Option<ServerCertificate>,
    /// Layers of TOML over the configuration of every service, each over those before it.
    pub config: Vec<String>,
    /// TOML that is laid over the configuration of single parts, by the part's name.
    pub part_config: BTreeMap<String, String>,
}

/// Ways that a test can command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultyLinks {
    /// None.
    None,
    /// One.
    One(Link),
    /// All that there are.
    All,
}

/// The choices of one Glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GlanceOptions {
    /// uwsgi processes.
    pub processes: u16,
    /// Threads of each process; processes times threads is how many transfers can run at once.
    pub threads: u16,
    /// Glance's `user_storage_quota`, for example `20MB`; `0` is no limit.
    pub user_storage_quota: String,
    /// Whether Glance asks Keystone for the project's unified limits.
    pub unified_limits: bool,
    /// How long an upload may pause before uwsgi drops it; uwsgi's own default is 4 seconds.
    pub socket_timeout: Duration,
    /// The most images that a list gives at once, whatever is asked for.
    pub longest_list: u16,
    /// The size in bytes of a disk of the store's own, which begins and ends empty with Glance's processes; none is the disk that the
    /// test bed is on. Not every machine lets a part have one: see [`crate::may_have_own_disk`].
    pub disk: Option<u64>,
}

/// The choices of the message broker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RabbitmqOptions {
    /// How long a delivery may stay unacknowledged; the broker's default is 30 minutes.
    pub consumer_timeout: Option<Duration>,
    /// How often the broker looks for such deliveries; its default is a minute.
    pub channel_tick_interval: Option<Duration>,
    /// The certificate of a listener with TLS, beside the one without that the services use.
    pub tls: Option<ServerCertificate>,
}

impl Default for GlanceOptions {
    fn default() -> Self {
        Self {
            processes: 1,
            threads: 16,
            user_storage_quota: "0".to_owned(),
            unified_limits: false,
            socket_timeout: Duration::from_secs(60),
            longest_list: 1000,
            disk: None,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            split_keystone: false,
            services: true,
            release: false,
            schedulers: 1,
            two_gateways: BTreeSet::new(),
            workers: Region::ALL.map(|region| (region, 1)).into(),
            token_expiration: Duration::from_secs(3600),
            movable_plan_clock: false,
            movable_wall_clock: false,
            faulty_links: FaultyLinks::None,
            glance: Region::ALL
                .map(|region| (region, GlanceOptions::default()))
                .into(),
            rabbitmq: RabbitmqOptions::default(),
            redis_replicas: 0,
            redis: BTreeMap::new(),
            tls: None,
            config: Vec::new(),
            part_config: BTreeMap::new(),
        }
    }
}

impl Options {
    /// The region whose Keystone `region` uses: its own, or `ot1`'s when one is shared.
    pub(crate) fn keystone_of(&self, region: Region) -> Region {
        if self.split_keystone {
            region
        } else {
            Region::Ot1
        }
    }

    /// The regions that have a Keystone.
    pub(crate) fn keystones(&self) -> &'static [Region] {
        if self.split_keystone {
            &Region::ALL
        } else {
            &Region::ALL[..1]
        }
    }
}
