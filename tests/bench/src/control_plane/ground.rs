//! What is measured: one gateway, two schedulers, real Keystone, RabbitMQ and Redis, and no worker, whose part the
//! benchmark plays.
//!
//! Limits that a tenant or a region would meet are set out of reach, for a limit is no speed.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use testbed::{Part, Region, Sharing, TestBed};
use tonic::transport::{Channel, Endpoint};

use super::glance_stub::GlanceStub;

/// Longer than any run takes.
const TOKENS: Duration = Duration::from_secs(6 * 3600);

const NO_LIMITS: &str = "
[gateway]
requests_per_second = 1000000
request_burst = 1000000
[scheduler.limits]
queued_per_tenant = 100000000
copies_per_tenant = 1000000
copies_per_source = 1000000
copies_per_destination = 1000000
";

/// Everything that runs.
pub(super) struct Ground {
    pub(super) bed: TestBed,
    /// A connection to each scheduler itself, past their common address.
    pub(super) schedulers: Vec<Channel>,
    addresses: Vec<String>,
    pub(super) redis_url: String,
    pub(super) pids: Pids,
    _glance: GlanceStub,
}

/// Processes whose time is looked at.
pub(super) struct Pids {
    pub(super) gateway: u32,
    pub(super) schedulers: Vec<u32>,
    pub(super) redis: u32,
    pub(super) keystone: u32,
}

impl Ground {
    /// Starts all of it, of the same build as the benchmark.
    ///
    /// # Errors
    /// When a part can't be started.
    pub(super) async fn set() -> anyhow::Result<Self> {
        let glance = GlanceStub::start().await?;
        let mut builder = TestBed::builder()
            .token_expiration(TOKENS)
            .schedulers(2)
            .config(NO_LIMITS);
        for region in Region::ALL {
            let stub = format!("[regions.{region}]\nglance_url = '{}'\n", glance.url());
            builder = builder.workers(region, 0).config(&stub);
        }
        if cfg!(not(debug_assertions)) {
            builder = builder.release();
        }
        let bed = builder.start().await?;
        let pids = Pids {
            gateway: pid(&bed, Part::Gateway(Region::Ot1)).await?,
            schedulers: vec![
                pid(&bed, Part::Scheduler(1)).await?,
                pid(&bed, Part::Scheduler(2)).await?,
            ],
            redis: pid(&bed, Part::Redis).await?,
            keystone: pid(&bed, Part::Keystone(Region::Ot1, Sharing::Shared)).await?,
        };
        let state = std::fs::read_to_string(bed.directory().join("testbed.json"))?;
        let state: Value = serde_json::from_str(&state)?;
        let addresses = state["schedulers"].as_array().into_iter().flatten();
        let addresses: Vec<String> = addresses
            .filter_map(|address| Some(address.as_str()?.to_owned()))
            .collect();
        let redis_url = state["redis_url"].as_str().context("no address of Redis")?;
        Ok(Self {
            schedulers: addresses
                .iter()
                .map(|address| connect(address))
                .collect::<anyhow::Result<_>>()?,
            addresses,
            redis_url: redis_url.to_owned(),
            pids,
            bed,
            _glance: glance,
        })
    }

    /// One more connection to a scheduler, counted from 0.
    ///
    /// # Errors
    /// Never: the addresses were good for the first ones.
    pub(super) fn connection(&self, scheduler: usize) -> anyhow::Result<Channel> {
        connect(&self.addresses[scheduler])
    }

    /// The configuration of the first scheduler.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) fn configuration(&self) -> anyhow::Result<toml::Table> {
        let part = Part::Scheduler(1).to_string();
        let path = self.bed.directory().join(part).join("config.toml");
        Ok(std::fs::read_to_string(path)?.parse()?)
    }

    /// Ends all of it.
    ///
    /// # Errors
    /// When a process survives.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        self.bed.end().await
    }
}

async fn pid(bed: &TestBed, part: Part) -> anyhow::Result<u32> {
    let pid = bed.pid(part).await?;
    pid.with_context(|| format!("{part} does not run"))
}

/// A connection of its own, which the first call makes.
///
/// # Errors
/// When it is no address.
pub(super) fn connect(address: &str) -> anyhow::Result<Channel> {
    let endpoint = Endpoint::from_shared(address.to_owned())?;
    // As the services do it: streams that are given up cost nothing.
    let endpoint = endpoint.http2_max_local_error_reset_streams(None);
    Ok(endpoint.connect_lazy())
}
