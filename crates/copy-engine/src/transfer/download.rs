//! Reads the source's bytes into the queue, and goes on from where it broke when it breaks.
//!
//! Invariant: the last frame is handed on only when the source has ended after it, so that a source
//! that is longer than it said breaks the upload instead of completing it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::{CopySpec, ErrorCode};
use http_body_util::BodyExt;
use openstack::{ByteRange, DownloadBody, Error, Glance};
use tokio::time::{Instant, sleep, timeout};

use super::read_ahead::{Filler, UploadEnded};
use crate::Failure;
use crate::outcome::{Step, judge};
use crate::verify::{StreamHasher, StreamedHashes};

const RETRY_SHORTEST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(2);

/// A download to be made.
pub(super) struct Download<'a> {
    pub(super) source: &'a Glance,
    pub(super) spec: &'a CopySpec,
    /// Without a byte for so long, retries included, it has failed. One connection gets half of it, so
    /// that another can be tried.
    pub(super) idle_timeout: Duration,
    /// Why the last connection gave no more, until one gives something again.
    pub(super) trouble: &'a Trouble,
    /// Set when the bytes are to be hashed on their way.
    pub(super) hasher: Option<StreamHasher>,
}

/// What a download has to say for itself while nothing comes of it.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Option<Error>>);

impl Trouble {
    /// The last error, if nothing has come since.
    pub(super) fn last(&self) -> Option<Error> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, error: Option<Error>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

/// How a download ended that did not fail.
#[derive(Debug)]
pub(super) enum Delivered {
    /// All bytes are in the queue.
    Everything(Option<StreamedHashes>),
    /// The upload ended first and says why.
    NotWanted,
}

/// Why one connection delivered no more.
enum Break {
    /// Nothing is left to read: the last frame, not handed on yet.
    End(Bytes),
    /// It broke; from the next byte on, another may go on.
    Broken(Error),
    /// It cannot be right.
    Failed(Failure),
    NotWanted,
}

// === impl Download ===

impl Download<'_> {
    /// Reads everything into the queue.
    pub(super) async fn run(mut self, filler: Filler) -> Result<Delivered, Failure> {
        let mut delivered = 0;
        let mut honours_ranges = true;
        let mut last_byte = Instant::now();
        let mut pause = RETRY_SHORTEST;
        loop {
            let before = delivered;
            let cause = match self.open(delivered, honours_ranges).await {
                Ok((body, skip)) => match self.read(body, skip, &mut delivered, &filler).await {
                    Break::End(last) => return Ok(self.complete(last, filler).await),
                    Break::NotWanted => return Ok(Delivered::NotWanted),
                    Break::Failed(failure) => return Err(failure),
                    Break::Broken(error) => error,
                },
                Err(Error::RangeIgnored(_)) if honours_ranges => {
                    honours_ranges = false;
                    continue;
                }
                Err(Error::RangeNotSatisfiable(_)) => return Err(self.ended_after(delivered)),
                Err(error) => error,
            };
            if delivered > before {
                last_byte = Instant::now();
                pause = RETRY_SHORTEST;
            }
            let failure = judge(Step::Download, &cause, self.spec);
            if !failure.transient || last_byte.elapsed() + pause >= self.idle_timeout {
                return Err(failure);
            }
            tracing::warn!(image.id = %self.spec.source.image, bytes.delivered = delivered,
                error = %cause, "the download broke and is resumed");
            self.trouble.set(Some(cause));
            sleep(pause).await;
            pause = (pause * 2).min(RETRY_LONGEST);
        }
    }

    /// Opens the source at `from`. Also how many bytes come before it, when the source's front takes
    /// the range away.
    async fn open(&self, from: u64, honours_ranges: bool) -> Result<(DownloadBody, u64), Error> {
        let image = self.spec.source.image;
        let ranged = from > 0 && honours_ranges;
        let range = ranged.then(|| ByteRange::from(from));
        let opened = timeout(self.idle_timeout / 2, self.source.download(image, range))
            .await
            .map_err(|_| Error::Timeout("opening the download"))??;
        Ok((opened.body, if ranged { 0 } else { from }))
    }

    async fn read(
        &mut self,
        mut body: DownloadBody,
        mut skip: u64,
        delivered: &mut u64,
        filler: &Filler,
    ) -> Break {
        let size = self.spec.source_digest.size_bytes;
        let start = *delivered;
        let mut last: Option<Bytes> = None;
        loop {
            let mut frame = match timeout(self.idle_timeout / 2, body.frame()).await {
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
                Ok(None) => return self.end(last, start, *delivered),
                Ok(Some(Err(error))) => return Break::Broken(error),
                Err(_) => return Break::Broken(Error::Timeout("the source stood still")),
            };
            let skipped = usize::try_from(skip).map_or(frame.len(), |skip| skip.min(frame.len()));
            skip -= skipped as u64;
            let frame = frame.split_off(skipped);
            if frame.is_empty() {
                continue;
            }
            if *delivered == start {
                self.trouble.set(None);
            }
            let reached = *delivered + frame.len() as u64;
            if last.is_some() || reached > size {
                return Break::Failed(self.longer());
            }
            if reached == size {
                last = Some(frame);
                continue;
            }
            if let Err(UploadEnded) = self.hand_on(frame, filler).await {
                return Break::NotWanted;
            }
            *delivered = reached;
        }
    }

    fn end(&self, last: Option<Bytes>, start: u64, delivered: u64) -> Break {
        match last {
            Some(last) => Break::End(last),
            // Whoever ends before giving a single byte will not give one next time.
            None if delivered == start => Break::Failed(self.ended_after(delivered)),
            None => Break::Broken(Error::Interrupted("the source ended too early".to_owned())),
        }
    }

    async fn hand_on(&mut self, frame: Bytes, filler: &Filler) -> Result<(), UploadEnded> {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&frame);
        }
        filler.send(frame).await
    }

    async fn complete(mut self, last: Bytes, filler: Filler) -> Delivered {
        let handed_on = self.hand_on(last, &filler).await;
        let hashes = self.hasher.map(StreamHasher::finish);
        match handed_on.and_then(|()| filler.complete()) {
            Ok(()) => Delivered::Everything(hashes),
            Err(UploadEnded) => Delivered::NotWanted,
        }
    }

    fn ended_after(&self, delivered: u64) -> Failure {
        let (region, size) = (&self.spec.source.region, self.spec.source_digest.size_bytes);
        Failure::transient(
            ErrorCode::SourceUnavailable,
            format!("region {region} delivered only {delivered} of the image's {size} bytes"),
        )
    }

    fn longer(&self) -> Failure {
        let (region, size) = (&self.spec.source.region, self.spec.source_digest.size_bytes);
        Failure::transient(
            ErrorCode::SourceUnavailable,
            format!("region {region} delivered more than the image's {size} bytes"),
        )
    }
}
