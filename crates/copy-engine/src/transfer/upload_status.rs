//! What became of an upload whose connection is closed.
//!
//! Glance notices a closed connection within a moment and sets the image back to `queued`; until
//! then it is `saving` and takes no other upload, and deleting it would leave its partial file behind.

use std::time::Duration;

use domain::{ErrorCode, ImageId};
use openstack::{Error, Image, ImageStatus};
use tokio::time::{Instant, sleep};

use crate::Failure;
use crate::outcome::Step;
use crate::unit::{Halt, Unit};

const POLL_SHORTEST: Duration = Duration::from_millis(100);
const POLL_LONGEST: Duration = Duration::from_secs(2);
/// A Glance that lives closes a broken upload within moments; one that was killed never does, and its image stays `saving`.
const CLOSING_PATIENCE: Duration = Duration::from_secs(15);
/// A removal waits no longer for `queued`: a cancel is to be quick, and a DELETE works all the same.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(10);

/// How an image stands after its upload broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterUpload {
    /// It takes another upload.
    Open,
    /// It had taken everything; only the answer was lost.
    Taken,
}

/// How long Glance is waited for. When all bytes are handed over it may be making the image.
struct Patience {
    until: Instant,
    is_handed_over: bool,
}

// === impl Patience ===

impl Patience {
    fn new(idle_timeout: Duration, is_handed_over: bool, now: Instant) -> Self {
        Self {
            until: now + idle_timeout,
            is_handed_over,
        }
    }

    /// Glance is there, and says that the image has this status.
    fn seen(&mut self, status: ImageStatus, now: Instant) -> ImageStatus {
        if status == ImageStatus::Saving && !self.is_handed_over {
            self.until = self.until.min(now + CLOSING_PATIENCE);
        }
        status
    }
}

/// Waits until Glance knows that the upload is over.
pub(super) async fn after_broken_upload(
    unit: &Unit<'_>,
    image: ImageId,
) -> Result<AfterUpload, Halt> {
    let is_handed_over = unit.progress.bytes_copied() >= unit.spec().source_digest.size_bytes;
    let mut patience = Patience::new(unit.settings.idle_timeout, is_handed_over, Instant::now());
    let mut pause = POLL_SHORTEST;
    loop {
        let problem = match unit.look(image, Step::Upload).await {
            Ok(None) => return Err(deleted(unit).into()),
            Ok(Some(found)) => match patience.seen(found.status, Instant::now()) {
                ImageStatus::Queued => return Ok(AfterUpload::Open),
                ImageStatus::Active => return Ok(AfterUpload::Taken),
                status @ (ImageStatus::Deleted
                | ImageStatus::PendingDelete
                | ImageStatus::Saving
                | ImageStatus::Uploading
                | ImageStatus::Importing
                | ImageStatus::Deactivated
                | ImageStatus::Killed
                | ImageStatus::Other(_)) => Failure::transient(
                    ErrorCode::DestinationUnavailable,
                    format!(
                        "the upload to region {} broke, and its image stays {status}",
                        unit.spec().destination.region
                    ),
                ),
            },
            Err(Halt::Failed(failure)) => failure,
            Err(interrupted @ Halt::Interrupted(_)) => return Err(interrupted),
        };
        if !problem.transient || Instant::now() + pause > patience.until {
            return Err(problem.into());
        }
        unit.control.unless_interrupted(sleep(pause)).await?;
        pause = (pause * 2).min(POLL_LONGEST);
    }
}

/// When a removal waits no longer for an upload to close: an idle transfer may take so long, and a
/// cancel is to be quick.
pub(crate) fn removal_deadline(unit: &Unit<'_>) -> Instant {
    Instant::now() + unit.settings.idle_timeout.min(REMOVAL_PATIENCE)
}

/// The image before it is deleted, once nothing is uploaded to it any more, or at the deadline. The
/// upload may be another worker's, which is alive and about to complete it.
pub(crate) async fn until_upload_is_closed(
    unit: &Unit<'_>,
    image: ImageId,
    deadline: Instant,
) -> Result<Option<Image>, Halt> {
    loop {
        let found = unit.look(image, Step::Remove).await?;
        let is_open = found
            .as_ref()
            .is_some_and(|found| unit.owns(found) && found.status == ImageStatus::Saving);
        if !is_open || Instant::now() + POLL_SHORTEST > deadline {
            return Ok(found);
        }
        unit.control
            .unless_interrupted(sleep(POLL_SHORTEST))
            .await?;
    }
}

fn deleted(unit: &Unit<'_>) -> Failure {
    unit.judge(Step::Upload, &Error::Gone(String::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_that_is_there_closes_a_broken_upload_soon_or_never() {
        let (idle_timeout, now) = (Duration::from_secs(60), Instant::now());
        let later = now + Duration::from_secs(20);
        let soon = later + CLOSING_PATIENCE;
        for (is_handed_over, status, until) in [
            (false, ImageStatus::Saving, soon),
            // It may be making the image of what it has.
            (true, ImageStatus::Saving, now + idle_timeout),
            (false, ImageStatus::Importing, now + idle_timeout),
        ] {
            let mut patience = Patience::new(idle_timeout, is_handed_over, now);
            assert_eq!(patience.until, now + idle_timeout, "nobody answers");
            patience.seen(status.clone(), later);
            assert_eq!(patience.until, until, "{status}");
            patience.seen(status, later + Duration::from_secs(10));
            assert_eq!(patience.until, until, "it counts from the first time");
        }
    }
}
