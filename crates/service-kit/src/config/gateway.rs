//! Section `[gateway]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use domain::RegionId;
use ipnet::IpNet;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::{CertificateConfig, duration};

/// The API gateway of one region.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// The region that it serves as a source.
    pub region: RegionId,
    /// Where it listens.
    #[serde(default = "listen")]
    pub listen: SocketAddr,
    /// TLS where it listens; none: plain HTTP.
    pub tls: Option<CertificateConfig>,
    /// Its admin port.
    #[serde(default = "admin_listen")]
    pub admin_listen: SocketAddr,
    /// The scheduler's gRPC address, `http://host:port`, or `https://host:port` with `[grpc.tls]`.
    #[serde(default = "super::worker::scheduler_url")]
    pub scheduler_url: String,
    /// How long a request may take in all.
    #[serde(default = "thirty_seconds", deserialize_with = "duration::parse")]
    pub request_deadline: Duration,
    /// The largest request body, in bytes.
    #[serde(default = "body_limit_bytes")]
    pub body_limit_bytes: usize,
    /// How long a validated token is trusted without asking Keystone again.
    #[serde(default = "token_cache", deserialize_with = "duration::parse")]
    pub token_cache: Duration,
    /// How long it is trusted without asking Keystone again that a destination project is there, and that a caller may have
    /// copies made for it; zero: not at all.
    #[serde(default = "lookup_cache", deserialize_with = "duration::parse")]
    pub lookup_cache: Duration,
    /// Period of the comment lines that keep an event stream open.
    #[serde(default = "sse_keep_alive", deserialize_with = "duration::parse")]
    pub sse_keep_alive: Duration,
    /// Requests a second of one tenant, in the long run.
    #[serde(default = "requests_per_second")]
    pub requests_per_second: NonZeroU32,
    /// Requests of one tenant at once.
    #[serde(default = "request_burst")]
    pub request_burst: NonZeroU32,
    /// Networks of the fronts whose `X-Forwarded-For` is believed.
    #[serde(default, deserialize_with = "networks")]
    pub trusted_fronts: Vec<IpNet>,
    /// How long after SIGTERM connections are still taken, with readiness gone: until fronts have noticed.
    #[serde(default = "drain_delay", deserialize_with = "duration::parse")]
    pub drain_delay: Duration,
    /// How long running requests may take after that.
    #[serde(default = "drain", deserialize_with = "duration::parse")]
    pub drain: Duration,
    /// When the process is killed after SIGTERM, whatever it does.
    #[serde(
        default = "termination_grace_period",
        deserialize_with = "duration::parse"
    )]
    pub termination_grace_period: Duration,
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let networks = texts.iter().map(|text| {
        text.parse().map_err(|_| {
            D::Error::custom(format!(
                "`{text}` is no network: write an address and the length of its prefix, like 10.0.0.0/8 or fd00::1/128"
            ))
        })
    });
    networks.collect()
}

fn listen() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 8774).into()
}

fn admin_listen() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 9101).into()
}

const fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

const fn drain_delay() -> Duration {
    Duration::from_secs(5)
}

const fn drain() -> Duration {
    Duration::from_secs(35)
}

const fn termination_grace_period() -> Duration {
    Duration::from_secs(60)
}

const fn body_limit_bytes() -> usize {
    64 * 1024
}

const fn token_cache() -> Duration {
    Duration::from_secs(60)
}

const fn lookup_cache() -> Duration {
    Duration::from_secs(10)
}

const fn sse_keep_alive() -> Duration {
    Duration::from_secs(15)
}

const fn requests_per_second() -> NonZeroU32 {
    NonZeroU32::new(50).expect("not zero")
}

const fn request_burst() -> NonZeroU32 {
    NonZeroU32::new(200).expect("not zero")
}
