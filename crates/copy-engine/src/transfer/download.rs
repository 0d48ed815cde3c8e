//! Reads the source's bytes into the queue, in as many ranges at once as help, and goes on from where one broke when it
//! breaks.
//!
//! Invariants: bytes are handed on strictly in order; the last frame only when the source has ended after it, so that a
//! source that is longer than it said breaks the upload instead of completing it; a connection that breaks or stands
//! still costs what it had not delivered. Who decides is pure: [`Adaptation`] says how many ranges, [`Parts`] which.
//! The loop is here; what it does each time has rooms of its own: `asking`, `events`, `delivery`, `adapt`.

mod adapt;
mod asking;
mod delivery;
mod events;
mod lane;
mod parts;
mod trouble;

use std::time::Duration;

use domain::CopySpec;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use openstack::{Glance, SpareConnections};
use tokio::time::{Instant, sleep_until};

pub(super) use self::trouble::Trouble;

use self::adapt::{Seen, next_look};
use self::lane::Event;
use self::parts::Parts;
use super::read_ahead::{Filler, UploadEnded};
use super::streams::{Adaptation, StreamBounds};
use crate::Failure;
use crate::bandwidth::Pace;
use crate::verify::{StreamHasher, StreamedHashes};

/// A download to be made.
pub(super) struct Download<'a> {
    pub(super) source: &'a Glance,
    pub(super) spec: &'a CopySpec,
    /// Without a byte for so long, retries included, it has failed. One connection gets half of it, so
    /// that another can be tried.
    pub(super) idle_timeout: Duration,
    pub(super) streams: StreamBounds,
    /// The caps that it reads under.
    pub(super) pace: Pace,
    /// Why the last connection gave no more, until one gives something again.
    pub(super) trouble: Trouble,
    /// Set when the bytes are to be hashed on their way.
    pub(super) hasher: Option<StreamHasher>,
}

/// How a download ended that did not fail.
#[derive(Debug)]
pub(super) enum Delivered {
    /// All bytes are in the queue.
    Everything(Option<StreamedHashes>),
    /// The upload ended first and says why.
    NotWanted,
}

/// Why a download is over.
enum Over {
    Complete,
    NotWanted,
    Failed(Failure),
}

/// A download under way.
struct Running<'a> {
    download: Download<'a>,
    filler: Filler,
    parts: Parts,
    adaptation: Adaptation,
    lanes: FuturesUnordered<BoxFuture<'a, Event>>,
    spare: SpareConnections,
    honours_ranges: bool,
    /// From a request to its first byte, as it was lately.
    latency: Duration,
    last_refusal: Option<Instant>,
    seen: Seen,
}

impl From<UploadEnded> for Over {
    fn from(UploadEnded: UploadEnded) -> Self {
        Self::NotWanted
    }
}

impl From<Failure> for Over {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

// === impl Download ===

impl<'a> Download<'a> {
    /// Reads everything into the queue.
    pub(super) async fn run(self, filler: Filler) -> Result<Delivered, Failure> {
        let mut running = Running {
            parts: Parts::new(self.spec.source_digest.size_bytes),
            adaptation: Adaptation::new(self.streams),
            lanes: FuturesUnordered::new(),
            spare: SpareConnections::default(),
            honours_ranges: true,
            latency: Duration::ZERO,
            last_refusal: None,
            seen: Seen::nothing(Instant::now(), Duration::ZERO),
            download: self,
            filler,
        };
        match running.run().await {
            Over::Complete => {
                let hashes = running.download.hasher.map(StreamHasher::finish);
                Ok(Delivered::Everything(hashes))
            }
            Over::NotWanted => Ok(Delivered::NotWanted),
            Over::Failed(failure) => Err(failure),
        }
    }
}

// === impl Running ===

impl Running<'_> {
    async fn run(&mut self) -> Over {
        let mut looks = self.looks();
        loop {
            let now = Instant::now();
            self.launch(now);
            // What was due before has been asked for, unless there are streams enough.
            let due = self.parts.next_due(now);
            let happened = tokio::select! {
                biased;
                Some(event) = self.lanes.next() => self.handle(event),
                () = self.filler.share().freed(), if self.parts.has_blocked() => self.unblock(),
                () = sleep_until(due.unwrap_or(now)), if due.is_some() => Ok(()),
                _ = next_look(&mut looks) => {
                    self.adapt();
                    Ok(())
                }
            };
            if let Err(over) = happened {
                return over;
            }
        }
    }
}
