//! How a test says what test bed it wants.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;

use crate::authority::ServerCertificate;
use crate::bed::{Owner, TestBed};
use crate::links::Link;
use crate::options::{FaultyLinks, GlanceOptions, Options, RabbitmqOptions};
use crate::parts::Part;
use crate::region::Region;
use crate::wall_clock::SHARED_MEMORY;

/// Set to anything but nothing, this keeps the state (with all logs) of test beds whose tests have ended.
const KEEP: &str = "IMAGE_REPLICATOR_TESTBED_KEEP";

/// A test bed to be started; made by [`TestBed::builder`].
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Builder {
    options: Options,
    directory: Option<PathBuf>,
}

impl TestBed {
    /// A test bed of one Keystone, one scheduler, a gateway and a worker a region, until told otherwise.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Builder {
    /// One Keystone a region.
    pub fn split_keystone(mut self) -> Self {
        self.options.split_keystone = true;
        self
    }

    /// The cloud and the brokers only.
    pub fn without_services(mut self) -> Self {
        self.options.services = false;
        self
    }

    /// Our services as they are released, for measurements.
    pub fn release(mut self) -> Self {
        self.options.release = true;
        self
    }

    /// `count` schedulers.
    pub fn schedulers(mut self, count: u16) -> Self {
        self.options.schedulers = count;
        self
    }

    /// Two gateways in `region`, behind an address that follows their readiness as a Kubernetes Service does.
    pub fn two_gateways(mut self, region: Region) -> Self {
        self.options.two_gateways.insert(region);
        self
    }

    /// `count` workers that copy into `region`.
    pub fn workers(mut self, region: Region, count: u16) -> Self {
        self.options.workers.insert(region, count);
        self
    }

    /// How long Keystone's tokens are valid.
    pub fn token_expiration(mut self, expiration: Duration) -> Self {
        self.options.token_expiration = expiration;
        self
    }

    /// Lets the clock of plans be moved, with [`TestBed::advance_plans`].
    pub fn movable_plan_clock(mut self) -> Self {
        self.options.movable_plan_clock = true;
        self
    }

    /// Lets the wall clock of schedulers and workers be set, with [`TestBed::set_wall_clock`].
    pub fn movable_wall_clock(mut self) -> Self {
        self.options.movable_wall_clock = true;
        self
    }

    /// Leads the services' connections through proxies of this process, to be broken with [`TestBed::link`].
    pub fn faulty_links(mut self) -> Self {
        self.options.faulty_links = FaultyLinks::All;
        self
    }

    /// The same for one link only.
    pub fn faulty_link(mut self, link: Link) -> Self {
        self.options.faulty_links = FaultyLinks::One(link);
        self
    }

    /// How `region`'s Glance is set up.
    pub fn glance(mut self, region: Region, options: GlanceOptions) -> Self {
        self.options.glance.insert(region, options);
        self
    }

    /// How RabbitMQ is set up.
    pub fn rabbitmq(mut self, options: RabbitmqOptions) -> Self {
        self.options.rabbitmq = options;
        self
    }

    /// Has our services speak TLS with RabbitMQ, with Redis, with callers and with each other, all with this certificate.
    pub fn tls(mut self, certificate: ServerCertificate) -> Self {
        self.options.tls = Some(certificate);
        self
    }

    /// `count` replicas of Redis, and Sentinels that make one of them the master when the master is away.
    pub fn redis_replicas(mut self, count: u16) -> Self {
        self.options.redis_replicas = count;
        self
    }

    /// A Redis directive, as in redis.conf.
    pub fn redis(mut self, directive: &str, value: &str) -> Self {
        self.options
            .redis
            .insert(directive.to_owned(), value.to_owned());
        self
    }

    /// TOML to be laid over the configuration of every service, and over what was laid there before.
    pub fn config(mut self, toml: &str) -> Self {
        self.options.config.push(toml.to_owned());
        self
    }

    /// TOML to be laid over the configuration of one part.
    pub fn part_config(mut self, part: Part, toml: &str) -> Self {
        self.options
            .part_config
            .insert(part.to_string(), toml.to_owned());
        self
    }

    /// Keeps the state in `directory`, also after the end; by default it lives in memory and goes.
    pub fn state_directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// Starts the test bed, which ends with the returned value or with this process.
    ///
    /// # Errors
    /// When something cannot be installed, built or started.
    pub async fn start(self) -> anyhow::Result<TestBed> {
        let keep = std::env::var_os(KEEP).is_some_and(|value| !value.is_empty());
        let remove = self.directory.is_none() && !keep;
        let directory = self
            .directory
            .unwrap_or_else(|| private_directory(&self.options));
        TestBed::bring_up(&directory, self.options, Owner::ThisProcess { remove }).await
    }

    /// Brings the test bed up and leaves it running when this process ends.
    ///
    /// # Errors
    /// When something cannot be installed, built or started.
    pub async fn up(self) -> anyhow::Result<TestBed> {
        let directory = self
            .directory
            .unwrap_or_else(|| private_directory(&self.options));
        ensure!(
            self.options.faulty_links == FaultyLinks::None,
            "faulty links are in this process and would end with it: start the test bed as its owner"
        );
        TestBed::bring_up(&directory, self.options, Owner::Nobody).await
    }
}

/// A new name on tmpfs, where databases and stores are fastest; else, or when services see another tmpfs there, where temporary
/// files go.
fn private_directory(options: &Options) -> PathBuf {
    let memory = Path::new(SHARED_MEMORY);
    let writable = rustix::fs::access(memory, rustix::fs::Access::WRITE_OK).is_ok();
    let parent = if writable && !options.movable_wall_clock {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    parent.join(format!(
        "image-replicator-{}",
        uuid::Uuid::new_v4().simple()
    ))
}
