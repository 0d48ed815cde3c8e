//! Section `[worker]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use domain::RegionId;
use serde::Deserialize;

use super::duration;

/// A copy worker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfig {
    /// The destination region that it serves, and where it should run.
    pub region: RegionId,
    /// Its admin port.
    #[serde(default = "admin_listen")]
    pub admin_listen: SocketAddr,
    /// The scheduler's gRPC address, `http://host:port`, or `https://host:port` with `[grpc.tls]`.
    #[serde(default = "scheduler_url")]
    pub scheduler_url: String,
    /// Copies at once.
    #[serde(default = "copies")]
    pub copies: NonZeroUsize,
    /// Memory in which all copies together read ahead, in bytes.
    #[serde(default = "read_ahead_bytes")]
    pub read_ahead_bytes: usize,
    /// An idle worker asks for work at least this often when no message comes (lower bound).
    #[serde(default = "poll_shortest", deserialize_with = "duration::parse")]
    pub poll_shortest: Duration,
    /// Upper bound of the same.
    #[serde(default = "poll_longest", deserialize_with = "duration::parse")]
    pub poll_longest: Duration,
    /// Period of progress reports.
    #[serde(default = "report_every", deserialize_with = "duration::parse")]
    pub report_every: Duration,
    /// How long the end of a copy is reported again and again to a scheduler that is away.
    #[serde(default = "finish_patience", deserialize_with = "duration::parse")]
    pub finish_patience: Duration,
    /// A copy that stays below this many bytes a second is given up.
    #[serde(default = "minimum_rate_bytes")]
    pub minimum_rate_bytes: u64,
    /// The time over which that rate is averaged.
    #[serde(default = "minimum_rate_window", deserialize_with = "duration::parse")]
    pub minimum_rate_window: Duration,
    /// How many images one action of a plan may copy by their tag.
    #[serde(default = "plan_images")]
    pub plan_images: NonZeroUsize,
    /// How long it may take to end after SIGTERM: running copies go on, and what still runs in the last part is
    /// handed back.
    #[serde(default = "drain", deserialize_with = "duration::parse")]
    pub drain: Duration,
    /// How much of the drain is kept for handing back; see [`WorkerConfig::hand_back_within`].
    #[serde(default, deserialize_with = "duration::parse_optional")]
    pub hand_back: Option<Duration>,
    /// When the process is killed after SIGTERM, whatever it does.
    #[serde(
        default = "termination_grace_period",
        deserialize_with = "duration::parse"
    )]
    pub termination_grace_period: Duration,
}

/// Enough to abort an upload, wait until Glance has noticed, delete the image and say so.
const LONGEST_HAND_BACK: Duration = Duration::from_secs(15);

impl WorkerConfig {
    /// The last part of the drain, in which copies are handed back: as configured, else a third of the drain, with
    /// no more than is of use.
    #[must_use]
    pub fn hand_back_within(&self) -> Duration {
        self.hand_back
            .unwrap_or_else(|| LONGEST_HAND_BACK.min(self.drain / 3))
    }
}

pub(super) fn scheduler_url() -> String {
    "http://127.0.0.1:7100".to_owned()
}

fn admin_listen() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 9103).into()
}

const fn copies() -> NonZeroUsize {
    NonZeroUsize::new(4).expect("not zero")
}

const fn read_ahead_bytes() -> usize {
    32 * 1024 * 1024
}

const fn poll_shortest() -> Duration {
    Duration::from_secs(15)
}

const fn poll_longest() -> Duration {
    Duration::from_secs(30)
}

const fn report_every() -> Duration {
    Duration::from_millis(500)
}

const fn finish_patience() -> Duration {
    Duration::from_secs(2 * 60 * 60)
}

const fn minimum_rate_bytes() -> u64 {
    64 * 1024
}

const fn minimum_rate_window() -> Duration {
    Duration::from_secs(10 * 60)
}

const fn plan_images() -> NonZeroUsize {
    NonZeroUsize::new(1000).expect("not zero")
}

const fn drain() -> Duration {
    Duration::from_secs(60)
}

const fn termination_grace_period() -> Duration {
    Duration::from_secs(90)
}
