//! What came of a request or a connection, and what follows: a frame is taken, a break is resumed, a source that does not
//! keep to what it said ends the download.

use std::time::Duration;

use domain::ErrorCode;
use futures::FutureExt;
use openstack::{DownloadRefused, Error};
use tokio::time::Instant;

use super::asking::RETRY_SHORTEST;
use super::lane::{Event, Lane, What, prepare};
use super::parts::Standing;
use super::{Over, Running};
use crate::Failure;
use crate::outcome::{Step, judge};
use crate::transfer::pile::Frame;

/// Before a part that broke is asked for again, at last.
const RETRY_LONGEST: Duration = Duration::from_secs(2);
/// A connection that brought so many bytes before it broke was worth it: the next one is asked at once.
const WORTHWHILE: u64 = 1024 * 1024;
/// Connections that wait for who asks after a break; those that the next break finds are made while this one is mended.
const STANDING_BY: usize = 4;
/// A refusal counts once, however many requests meet with it at the same time.
const REFUSALS_TOGETHER: Duration = Duration::from_secs(1);

impl Running<'_> {
    pub(super) fn handle(&mut self, Event { start, what }: Event) -> Result<(), Over> {
        if self.parts.get(start).is_none() {
            // Of a part that was left to another stream, or a connection that has come to its end.
            return Ok(());
        }
        match what {
            What::Opened(lane) => {
                self.read(start, lane);
                Ok(())
            }
            What::Refused(refused) => self.refused(start, refused),
            What::Frame {
                lane,
                frame,
                has_waited,
            } => {
                self.seen.was_capped |= has_waited;
                self.frame(start, lane, frame)
            }
            What::End => self.end(start),
            What::Broken(error) => self.broke(start, error, Duration::ZERO),
            What::Spent => Ok(()),
        }
    }

    fn refused(&mut self, start: u64, refused: DownloadRefused) -> Result<(), Over> {
        let DownloadRefused { error, retry_after } = refused;
        match &error {
            Error::RangeIgnored(_) if self.honours_ranges => {
                tracing::info!(image.id = %self.download.spec.source.image, error = %error,
                    "the source is read in one stream");
                self.honours_ranges = false;
                let front = self.parts.front();
                self.parts.leave_to_front();
                if front == Some(start) {
                    self.wait(start, Duration::ZERO);
                }
                Ok(())
            }
            Error::RangeNotSatisfiable(_) => Err(self.ended_after(start).into()),
            Error::ServerError { status: 503, .. } | Error::TooManyRequests(_) => {
                let now = Instant::now();
                let since = self.last_refusal.map(|last| now.duration_since(last));
                if since.is_none_or(|since| since >= REFUSALS_TOGETHER) {
                    self.adaptation.refused(retry_after);
                    self.last_refusal = Some(now);
                }
                // Others get on, and the next of them that ends takes this part over.
                if self.parts.lanes() > 1 {
                    self.touch(start, now);
                    return self.broke(start, error, Duration::ZERO);
                }
                self.broke(start, error, retry_after.unwrap_or_default())
            }
            _ => self.broke(start, error, Duration::ZERO),
        }
    }

    fn touch(&mut self, start: u64, now: Instant) {
        if let Some(part) = self.parts.get(start) {
            part.last_byte = now;
        }
    }

    pub(super) fn wait(&mut self, start: u64, pause: Duration) {
        if let Some(part) = self.parts.get(start) {
            let not_before = Instant::now() + pause;
            part.standing = Standing::Idle { not_before };
        }
    }

    /// The part is asked for again after a pause, unless that is of no use or has been done for too long.
    fn broke(&mut self, start: u64, cause: Error, at_least: Duration) -> Result<(), Over> {
        let is_front = self.parts.front() == Some(start);
        let Some(part) = self.parts.get(start) else {
            return Ok(());
        };
        let brought = part.opened.map(|(_, from)| part.reached - from);
        part.is_mending = brought.is_some();
        let pause = match brought {
            Some(brought) if brought >= WORTHWHILE => at_least,
            _ => part.pause.max(at_least),
        };
        part.pause = (part.pause * 2).min(RETRY_LONGEST);
        let (silence, delivered) = (part.last_byte.elapsed(), part.reached);
        let failure = judge(Step::Download, &cause, self.download.spec);
        if !failure.transient || silence + pause >= self.download.idle_timeout {
            return Err(failure.into());
        }
        tracing::warn!(image.id = %self.download.spec.source.image, bytes.delivered = delivered,
            error = %cause, "the download broke and is resumed");
        if is_front {
            self.download.trouble.set(Some(cause));
        }
        if brought.is_some() {
            self.stand_by(start);
        }
        self.wait(start, pause);
        Ok(())
    }

    /// Has connections made for who asks after a break: the part itself, and the one that fills its place meanwhile.
    fn stand_by(&mut self, start: u64) {
        let is_of_use = self.spare.are_kept() && self.adaptation.target(self.most()) > 1;
        if !is_of_use {
            return;
        }
        for _ in self.spare.number()..STANDING_BY {
            let (source, spare) = (self.download.source, self.spare.clone());
            let preparing = prepare(start, source, spare, self.patience(true));
            self.lanes.push(preparing.boxed());
        }
    }

    fn frame(&mut self, start: u64, lane: Lane, mut frame: Frame) -> Result<(), Over> {
        let size = self.download.spec.source_digest.size_bytes;
        let now = Instant::now();
        let is_front = self.parts.front() == Some(start);
        self.seen.bytes += frame.bytes.len() as u64;
        let Some(part) = self.parts.get(start) else {
            return Ok(());
        };
        part.last_byte = now;
        part.pause = RETRY_SHORTEST;
        if part.opened.is_none() {
            part.opened = Some((now, part.reached));
            part.is_mending = false;
            let latency = now.duration_since(part.asked_at);
            self.latency = match self.latency.is_zero() {
                true => latency,
                false => (self.latency * 3 + latency) / 4,
            };
            if is_front {
                self.download.trouble.set(None);
            }
        }
        let reached = part.reached + frame.bytes.len() as u64;
        if part.end == size {
            if part.last.is_some() || reached > size {
                return Err(self.longer().into());
            }
            if reached == size {
                part.last = Some(frame);
                self.read(start, lane);
                return Ok(());
            }
        }
        let missing = part.end - part.reached;
        frame
            .bytes
            .truncate(usize::try_from(missing).unwrap_or(usize::MAX));
        self.place(start, frame, Some(lane))
    }

    /// The source has ended.
    fn end(&mut self, start: u64) -> Result<(), Over> {
        let Some(part) = self.parts.get(start) else {
            return Ok(());
        };
        if let Some(last) = part.last.take() {
            return self.place(start, last, None);
        }
        if part.reached == part.asked_to {
            // It was to read no further, and now it is.
            self.wait(start, Duration::ZERO);
            return Ok(());
        }
        if part.opened.is_none() {
            // Whoever ends before giving a single byte will not give one next time.
            return Err(self.ended_after(start).into());
        }
        let early = Error::Interrupted("the source ended too early".to_owned());
        self.broke(start, early, Duration::ZERO)
    }

    fn ended_after(&mut self, start: u64) -> Failure {
        let (region, size) = (
            &self.download.spec.source.region,
            self.download.spec.source_digest.size_bytes,
        );
        let delivered = self.parts.get(start).map_or(0, |part| part.reached);
        Failure::transient(
            ErrorCode::SourceUnavailable,
            format!("region {region} delivered only {delivered} of the image's {size} bytes"),
        )
    }

    fn longer(&self) -> Failure {
        let (region, size) = (
            &self.download.spec.source.region,
            self.download.spec.source_digest.size_bytes,
        );
        Failure::transient(
            ErrorCode::SourceUnavailable,
            format!("region {region} delivered more than the image's {size} bytes"),
        )
    }
}
