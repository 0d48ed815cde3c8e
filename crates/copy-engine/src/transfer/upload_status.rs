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

/// Waits until Glance knows that the upload is over.
pub(super) async fn after_broken_upload(
    unit: &Unit<'_>,
    image: ImageId,
) -> Result<AfterUpload, Halt> {
    let deadline = Instant::now() + unit.settings.idle_timeout;
    let mut pause = POLL_SHORTEST;
    loop {
        let problem = match unit.look(image, Step::Upload).await {
            Ok(None) => return Err(deleted(unit).into()),
            Ok(Some(found)) => match found.status {
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
        if !problem.transient || Instant::now() + pause > deadline {
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
