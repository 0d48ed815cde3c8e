//! Moves the bytes: one download, of one or several ranges at once, one upload, a bounded queue between them.
//!
//! Invariant: the destination gets exactly the source's number of bytes or a broken upload, which
//! Glance answers with `queued`; never less, never more, never an empty body. An upload that the
//! destination drops is repeated on the same image; a download that breaks is resumed while the
//! upload stays open.

mod download;
mod memory;
mod pile;
mod rate;
mod read_ahead;
mod reading;
mod streams;
mod upload_status;

use std::pin::pin;
use std::time::Duration;

use domain::{ErrorCode, ImageId};
use futures::FutureExt;
use openstack::{Error, Glance, WriteGate};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

pub use memory::ReadAheadMemory;
pub use rate::MinimumRate;
pub use streams::StreamBounds;
pub(crate) use upload_status::{removal_deadline, until_upload_is_closed};

pub(crate) use reading::Reading;

use self::download::Delivered;
use self::rate::RateWindow;
use self::read_ahead::Backlog;
use self::upload_status::{AfterUpload, after_broken_upload};
use crate::bandwidth::Pace;
use crate::outcome::Step;
use crate::unit::{Halt, Unit};
use crate::verify::StreamedHashes;
use crate::{EngineSettings, Failure, Progress};

/// An upload is repeated so many times within an attempt.
const REPEATS: u32 = 3;
/// Waits so much longer before each repeat.
const REPEAT_PAUSE: Duration = Duration::from_millis(250);
/// How often a running transfer is looked at, at least.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A destination that drops an upload which has had nothing to send for so long does it for that reason.
const STARVED: Duration = Duration::from_secs(2);

/// How one upload ended, when it did not fail for good.
enum Upload {
    Taken(Option<StreamedHashes>),
    Dropped(Dropped),
}

/// An upload that the destination did not take to its end.
struct Dropped {
    error: Error,
    hashes: Option<StreamedHashes>,
    /// The source's silence, if that is why.
    starved: Option<Silence>,
}

/// A source that delivers nothing.
struct Silence {
    length: Duration,
    /// What its last connection broke of.
    trouble: Option<Error>,
}

/// Fills `image` with the source's bytes, of which some may be read already. The hashes, where the source has none of its
/// own.
pub(crate) async fn transfer<'a>(
    unit: &Unit<'a>,
    source: &'a Glance,
    image: ImageId,
    mut early: Option<Reading<'a>>,
) -> Result<Option<StreamedHashes>, Halt> {
    let mut repeats = 0;
    loop {
        // The upload asks once more before it is sent. Without this, the source would be read already
        // while the gate is closed.
        let permitted = match unit.control.permit().now_or_never() {
            Some(permitted) => permitted,
            None => {
                early = None;
                unit.control.permit().await
            }
        };
        let Ok(()) = permitted else {
            return Err(unit.control.why_withheld().into());
        };
        let reading = early.take();
        let reading = reading.unwrap_or_else(|| Reading::prepare(unit, source));
        let dropped = match upload(unit, reading, image).await? {
            Upload::Taken(hashes) => return Ok(hashes),
            Upload::Dropped(dropped) => dropped,
        };
        tracing::warn!(job.id = %unit.order.job_id, image.id = %image, error = %dropped.error,
            source.silent_seconds = dropped.starved.as_ref().map(|silence| silence.length.as_secs()),
            "the destination dropped the upload");
        match after_broken_upload(unit, image).await? {
            AfterUpload::Taken => return Ok(dropped.hashes),
            AfterUpload::Open if repeats < REPEATS => repeats += 1,
            AfterUpload::Open => {
                return Err(match &dropped.starved {
                    Some(silence) => silent_source(unit, silence),
                    None => unit.judge(Step::Upload, &dropped.error),
                }
                .into());
            }
        }
        unit.control
            .unless_interrupted(sleep(REPEAT_PAUSE * repeats))
            .await?;
    }
}

async fn upload(unit: &Unit<'_>, reading: Reading<'_>, image: ImageId) -> Result<Upload, Halt> {
    let settings = unit.settings;
    let size = unit.spec().source_digest.size_bytes;
    let Reading {
        mut downloading,
        body,
        backlog,
        pace,
        trouble,
    } = reading;
    let mut watch = Watch::new(settings, size, backlog, pace);
    let mut look = interval(LOOK_EVERY.min(settings.idle_timeout / 4));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let writes = unit.writes();
    let mut uploading = pin!(writes.upload(image, size, body));
    let mut is_downloading = true;
    let mut hashes = None;
    loop {
        tokio::select! {
            // The download comes before the upload: when it fails, the upload fails of it.
            biased;
            interrupted = unit.control.interrupted() => return Err(interrupted.into()),
            delivered = &mut downloading, if is_downloading => {
                is_downloading = false;
                match delivered? {
                    Delivered::Everything(found) => hashes = found,
                    Delivered::NotWanted => {}
                }
            }
            answer = &mut uploading => return match answer {
                Ok(()) => Ok(Upload::Taken(hashes)),
                Err(error) if is_dropped(&error) => Ok(Upload::Dropped(Dropped {
                    error,
                    hashes,
                    starved: watch.starved(Instant::now()).map(|length| Silence {
                        length,
                        trouble: trouble.last(),
                    }),
                })),
                Err(error) => Err(unit.halt(Step::Upload, &error)),
            },
            _ = look.tick() => match watch.look(unit.progress, Instant::now()) {
                Look::Well => {}
                Look::Stalled => {
                    return Ok(Upload::Dropped(Dropped {
                        error: Error::Timeout("the upload stood still"),
                        hashes,
                        starved: None,
                    }));
                }
                Look::TooSlow(rate) => return Err(too_slow(settings.minimum_rate, rate).into()),
            },
        }
    }
}

/// Whether the upload broke on its way, so that the same image may take it once more. A refused
/// token is one of these: Glance reads it before the body, and the next try gets a new one.
fn is_dropped(error: &Error) -> bool {
    match error {
        Error::ServerError { .. }
        | Error::Unreachable(_)
        | Error::Interrupted(_)
        | Error::Timeout(_)
        | Error::Malformed(_)
        | Error::TooManyRequests(_)
        | Error::Unauthorized(_) => true,
        Error::Forbidden(_)
        | Error::NotFound(_)
        | Error::Conflict(_)
        | Error::Gone(_)
        | Error::TooLarge(_)
        | Error::RangeNotSatisfiable(_)
        | Error::BadRequest { .. }
        | Error::Redirected { .. }
        | Error::RangeIgnored(_)
        | Error::UploadBody(_)
        | Error::Withheld(_)
        | Error::NoToken { .. }
        | Error::NoEndpoint { .. }
        | Error::Settings(_) => false,
    }
}

/// The destination dropped the upload, and it is the source that is to blame.
fn silent_source(unit: &Unit<'_>, silence: &Silence) -> Failure {
    let spec = unit.spec();
    let trouble = silence.trouble.as_ref();
    let trouble = trouble.map_or_else(String::new, |error| format!(" ({error})"));
    Failure::transient(
        ErrorCode::SourceUnavailable,
        format!(
            "region {} delivered nothing for {} s{trouble}, for which region {} dropped the upload",
            spec.source.region,
            silence.length.as_secs(),
            spec.destination.region
        ),
    )
}

fn too_slow(minimum: MinimumRate, rate: u64) -> Failure {
    Failure::transient(
        ErrorCode::TooSlow,
        format!(
            "only {rate} bytes a second were copied over {} s; at least {} are asked for",
            minimum.window.as_secs(),
            minimum.bytes_per_second
        ),
    )
}

/// Sees to it that a running upload moves, and fast enough.
struct Watch {
    size: u64,
    idle_timeout: Duration,
    backlog: Backlog,
    pace: Pace,
    minimum: MinimumRate,
    rate: RateWindow,
    moved: (Instant, u64),
    /// When there was last something to send.
    fed: Instant,
}

enum Look {
    Well,
    Stalled,
    TooSlow(u64),
}

// === impl Watch ===

impl Watch {
    fn new(settings: &EngineSettings, size: u64, backlog: Backlog, pace: Pace) -> Self {
        let now = Instant::now();
        Self {
            size,
            idle_timeout: settings.idle_timeout,
            backlog,
            pace,
            minimum: settings.minimum_rate,
            rate: RateWindow::new(settings.minimum_rate, now, 0),
            moved: (now, 0),
            fed: now,
        }
    }

    fn look(&mut self, progress: &Progress, now: Instant) -> Look {
        let bytes = progress.bytes_copied();
        if bytes >= self.size {
            // Everything is handed over; how long Glance may take to store it is the client's rule.
            return Look::Well;
        }
        let is_fed = self.backlog.is_waiting();
        if is_fed || bytes != self.moved.1 {
            self.fed = now;
        }
        // Without waiting bytes it is the source that stands still, and the download tells.
        if bytes != self.moved.1 || !is_fed {
            self.moved = (now, bytes);
        }
        if now.duration_since(self.moved.0) >= self.idle_timeout {
            return Look::Stalled;
        }
        if self.pace.was_held_back() {
            // How slow it is is our own doing.
            self.rate = RateWindow::new(self.minimum, now, bytes);
        }
        match self.rate.observe(now, bytes) {
            Some(rate) => Look::TooSlow(rate),
            None => Look::Well,
        }
    }

    /// For how long the source had nothing to give; none when it had a moment ago, or has given everything.
    fn starved(&self, now: Instant) -> Option<Duration> {
        let silence = now.duration_since(self.fed);
        (silence >= STARVED && self.moved.1 < self.size).then_some(silence)
    }
}
