//! Reads the source's bytes into the queue, in as many ranges at once as help, and goes on from where one broke when it
//! breaks.
//!
//! Invariants: bytes are handed on strictly in order; the last frame only when the source has ended after it, so that a
//! source that is longer than it said breaks the upload instead of completing it; a connection that breaks or stands
//! still costs what it had not delivered. Who decides is pure: [`Adaptation`] says how many ranges, [`Parts`] which.

mod lane;
mod parts;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{CopySpec, ErrorCode};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use openstack::{ByteRange, DownloadBody, DownloadRefused, Error, Glance, SpareConnections};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use self::lane::{Event, Lane, Question, What, ask, read, spend};
use self::parts::{Parts, Standing};
use super::pile::{Frame, Pile};
use super::read_ahead::{Filler, Offered, UploadEnded};
use super::streams::{Adaptation, Observation, StreamBounds, TICK};
use crate::Failure;
use crate::bandwidth::Pace;
use crate::outcome::{Step, judge};
use crate::verify::{StreamHasher, StreamedHashes};

const RETRY_SHORTEST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(2);
/// A range that stands still beside others is asked for anew after so long, for they would wait for it.
const STALL: Duration = Duration::from_secs(4);
/// No range is longer: what one brings before its turn has to wait in memory.
const LONGEST_RANGE: u64 = 8 * 1024 * 1024;
/// Many connections at once: they read less at a time.
const RANGE_BUFFER: usize = 256 * 1024;
/// A refusal counts once, however many requests meet with it at the same time.
const REFUSALS_TOGETHER: Duration = Duration::from_secs(1);

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

/// What a download has to say for itself while nothing comes of it. Clones are the same download's.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<Error>>>);

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

/// What happened since the adaptation was last told.
struct Seen {
    since: Instant,
    bytes: u64,
    /// How long the upload had waited before.
    waited: Duration,
    was_full: bool,
    was_capped: bool,
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
            spare: SpareConnections::new(RANGE_BUFFER),
            honours_ranges: true,
            latency: Duration::ZERO,
            last_refusal: None,
            seen: Seen {
                since: Instant::now(),
                bytes: 0,
                waited: Duration::ZERO,
                was_full: false,
                was_capped: false,
            },
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

    /// When the number of streams is looked at: never for an image that is read in one.
    fn looks(&self) -> Option<Interval> {
        if self.download.streams.max <= 1 || self.most() <= 1 {
            return None;
        }
        let mut looks = interval(TICK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks.reset();
        Some(looks)
    }

    /// As many streams as memory, source and image allow.
    fn most(&self) -> usize {
        if !self.honours_ranges {
            return 1;
        }
        let smallest = self.download.streams.smallest_range.max(1);
        let by_image = usize::try_from(self.parts.missing() / smallest / 2).unwrap_or(usize::MAX);
        let by_memory = self.filler.share().limit() as u64 / smallest;
        by_image.min(usize::try_from(by_memory).unwrap_or(usize::MAX))
    }

    fn adapt(&mut self) {
        let now = Instant::now();
        let waited = self.filler.waited();
        let seen = std::mem::replace(
            &mut self.seen,
            Seen {
                since: now,
                bytes: 0,
                waited,
                was_full: false,
                was_capped: false,
            },
        );
        let before = self.adaptation.target(self.most());
        let elapsed = now.duration_since(seen.since);
        let starved = waited.saturating_sub(seen.waited);
        let had_no_room = seen.was_full || self.parts.has_blocked();
        self.adaptation.observe(&Observation {
            elapsed,
            bytes: seen.bytes,
            starved,
            // Else it is the front that all wait for.
            is_full: had_no_room && starved < elapsed / 10,
            is_capped: seen.was_capped,
            most: self.most(),
        });
        let target = self.adaptation.target(self.most());
        if target != before {
            tracing::debug!(image.id = %self.download.spec.source.image, streams = target,
                "the source is read in another number of ranges at once");
        }
    }

    /// Asks for what is to be asked for now.
    fn launch(&mut self, now: Instant) {
        loop {
            let target = self.adaptation.target(self.most());
            if self.parts.busy(now, self.latency) >= target || self.parts.lanes() >= target * 2 {
                return;
            }
            let length = self.length_of_range(target, self.parts.missing());
            if target > 1 {
                let size = self.download.spec.source_digest.size_bytes;
                self.parts.draw_in(self.length_of_range(target, size));
            }
            let Some(start) = self.parts.next(now, length, RETRY_SHORTEST) else {
                return;
            };
            self.ask(start, now, target > 1);
        }
    }

    /// One stream alone reads to the end of the image, and several come to it at about the same time.
    fn length_of_range(&self, streams: usize, missing: u64) -> u64 {
        if streams <= 1 {
            return u64::MAX;
        }
        let memory = self.filler.share().limit() as u64;
        let equal = memory.min(missing) / streams as u64;
        let smallest = self.download.streams.smallest_range.max(1);
        equal.clamp(smallest, LONGEST_RANGE.max(smallest))
    }

    fn patience(&self, among_others: bool) -> Duration {
        let half = self.download.idle_timeout / 2;
        match among_others {
            true => half.min(STALL),
            false => half,
        }
    }

    fn ask(&mut self, start: u64, now: Instant, among_others: bool) {
        let patience = self.patience(among_others);
        let size = self.download.spec.source_digest.size_bytes;
        let Some(part) = self.parts.get(start) else {
            return;
        };
        part.standing = Standing::Underway;
        part.asked_at = now;
        part.asked_to = part.end;
        part.opened = None;
        part.last = None;
        let from = part.reached;
        let range = match (from, part.end) {
            (0, end) if end == size => None,
            (from, end) if end == size => Some(ByteRange::from(from)),
            (from, end) => Some(ByteRange::between(from, end)),
        };
        let range = range.filter(|_| self.honours_ranges);
        let question = Question {
            start,
            image: self.download.spec.source.image,
            skip: if range.is_some() { 0 } else { from },
            range,
            spare: among_others.then(|| self.spare.clone()),
            buffer: match among_others {
                true => RANGE_BUFFER,
                false => DownloadBody::READ_BUFFER,
            },
            patience,
        };
        self.lanes.push(ask(self.download.source, question).boxed());
    }

    fn read(&mut self, start: u64, lane: Lane) {
        let patience = self.patience(self.parts.lanes() > 1);
        let pace = self.download.pace.clone();
        self.lanes.push(read(start, lane, patience, pace).boxed());
    }

    fn handle(&mut self, Event { start, what }: Event) -> Result<(), Over> {
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

    fn wait(&mut self, start: u64, pause: Duration) {
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
        let pause = part.pause.max(at_least);
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
        self.wait(start, pause);
        Ok(())
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

    /// Hands a frame on, or keeps it until its turn comes; without memory for it, its connection waits.
    fn place(&mut self, start: u64, frame: Frame, lane: Option<Lane>) -> Result<(), Over> {
        let is_front = self.parts.front() == Some(start);
        let Some(part) = self.parts.get(start) else {
            return Ok(());
        };
        let offered = match is_front {
            true => self.filler.offer(&frame)?,
            false => match part.pile.push(&frame, self.filler.share(), false) {
                true => Offered::Taken,
                false => Offered::NoRoom,
            },
        };
        if offered == Offered::NoRoom {
            self.seen.was_full = true;
            part.standing = Standing::Blocked(frame, lane);
            return Ok(());
        }
        if let Some(hasher) = self.download.hasher.as_mut().filter(|_| is_front) {
            hasher.update(&frame.bytes);
        }
        part.reached += frame.bytes.len() as u64;
        part.standing = Standing::Underway;
        if part.reached < part.end {
            match lane {
                Some(lane) => self.read(start, lane),
                None => self.wait(start, Duration::ZERO),
            }
            return Ok(());
        }
        part.standing = Standing::Done;
        if let Some(lane) = lane
            && part.asked_to == part.end
        {
            let patience = self.patience(true);
            self.lanes.push(spend(start, lane, patience).boxed());
        }
        match is_front {
            true => self.advance(),
            false => Ok(()),
        }
    }

    /// The front is handed on: the next part is it.
    fn advance(&mut self) -> Result<(), Over> {
        loop {
            self.parts.remove_front();
            if self.parts.are_over() {
                self.filler.complete()?;
                return Err(Over::Complete);
            }
            let front = self.parts.front();
            let Some(part) = front.and_then(|front| self.parts.get(front)) else {
                return Ok(());
            };
            let pile = std::mem::take(&mut part.pile);
            let is_done = matches!(part.standing, Standing::Done);
            self.hand_on(pile)?;
            if !is_done {
                return Ok(());
            }
        }
    }

    fn hand_on(&mut self, pile: Pile) -> Result<(), UploadEnded> {
        if let Some(hasher) = &mut self.download.hasher {
            pile.slices().for_each(|bytes| hasher.update(bytes));
        }
        self.filler.append(pile)
    }

    /// Something was freed: the parts that wait for memory try again, the front first.
    fn unblock(&mut self) -> Result<(), Over> {
        for start in self.parts.blocked() {
            let Some(part) = self.parts.get(start) else {
                continue;
            };
            let blocked = std::mem::replace(&mut part.standing, Standing::Underway);
            let Standing::Blocked(frame, lane) = blocked else {
                part.standing = blocked;
                continue;
            };
            self.place(start, frame, lane)?;
        }
        Ok(())
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

async fn next_look(looks: &mut Option<Interval>) {
    match looks {
        Some(looks) => {
            looks.tick().await;
        }
        None => std::future::pending().await,
    }
}
