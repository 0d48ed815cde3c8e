//! One unit of work in the engine's words: what is ordered, how it ends, and what its steps share.

use std::time::Duration;

use domain::{CopySpec, ImageId, JobId};
use openstack::{Error, Glance, Image, ImageStatus, Writes};
use tokio::time::sleep;

use crate::control::{Control, Interrupted};
use crate::outcome::{Step, judge};
use crate::{EngineSettings, Failure, Progress, provenance};

/// A step that is repeated is so as many times.
const REPEATS: u32 = 3;
/// Waits so much longer before each repeat.
const REPEAT_PAUSE: Duration = Duration::from_millis(250);

/// What is to be done for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The job.
    pub job_id: JobId,
    /// What it copies where.
    pub spec: CopySpec,
    /// The attempt, from 1; ids of later attempts are not touched.
    pub attempt: u32,
    /// Images of the job that are to be settled.
    pub leftovers: Vec<ImageId>,
}

/// How a unit ended. What is gone for good is told by [`Progress`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The image is verified and as visible as it shall be.
    Replicated {
        /// The attempt's own, or a leftover that was adopted.
        image: domain::ImageId,
    },
    /// Nothing was made: an identical image is there already.
    Reused {
        /// Another job's.
        image: domain::ImageId,
    },
    /// It failed. The attempt's own image is removed, unless it is not among the settled: then it
    /// could not be, or it is whole and left for the next attempt to adopt.
    Failed(Failure),
    /// Given up so that another can go on at once; its own image is as after a failure.
    HandedBack,
    /// A cancel or clean-up ended. What could not be removed now is not among the settled.
    Cleaned,
    /// Another answers for the unit; nothing was touched since that was known.
    Stopped,
}

/// Why a step did not come to its end.
#[derive(Debug)]
pub(crate) enum Halt {
    Interrupted(Interrupted),
    Failed(Failure),
}

impl From<Interrupted> for Halt {
    fn from(interrupted: Interrupted) -> Self {
        Self::Interrupted(interrupted)
    }
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What every step at the destination needs.
#[derive(Clone, Copy)]
pub(crate) struct Unit<'a> {
    pub(crate) destination: &'a Glance,
    pub(crate) order: &'a Order,
    pub(crate) settings: &'a EngineSettings,
    pub(crate) control: Control<'a>,
    pub(crate) progress: &'a Progress,
}

/// Whether an image is no more, though Glance may show it.
pub(crate) fn is_deleted(image: &Image) -> bool {
    matches!(
        image.status,
        ImageStatus::Deleted | ImageStatus::PendingDelete
    )
}

// === impl Order ===

impl Order {
    /// The id that is reserved for this attempt's image.
    #[must_use]
    pub fn image(&self) -> ImageId {
        self.job_id.image_of_attempt(self.attempt)
    }
}

// === impl Unit ===

impl<'a> Unit<'a> {
    pub(crate) fn spec(&self) -> &'a CopySpec {
        &self.order.spec
    }

    pub(crate) fn while_cleaning(self) -> Self {
        Self {
            control: self.control.while_cleaning(),
            ..self
        }
    }

    pub(crate) fn while_retreating(self) -> Self {
        Self {
            control: self.control.while_retreating(),
            ..self
        }
    }

    /// The destination's calls that change something. A failed one ends the step by
    /// [`Unit::halt`].
    pub(crate) fn writes(&self) -> Writes<'_> {
        self.destination.writes(&self.control)
    }

    /// What a failed write means: one that was withheld is no failure.
    pub(crate) fn halt(&self, step: Step, error: &Error) -> Halt {
        match error {
            Error::Withheld(_) => self.control.why_withheld().into(),
            failed => self.judge(step, failed).into(),
        }
    }

    /// Does a step again that failed for a reason that may pass, a few times within moments: what went before it was
    /// dear.
    pub(crate) async fn patiently<T, F>(&self, step: impl Fn() -> F) -> Result<T, Halt>
    where
        F: Future<Output = Result<T, Halt>>,
    {
        for failures in 1..=REPEATS {
            match step().await {
                Err(Halt::Failed(failure)) if failure.transient => {
                    tracing::debug!(job.id = %self.order.job_id, %failure, "tried again");
                }
                other => return other,
            }
            let pause = sleep(REPEAT_PAUSE * failures);
            self.control.unless_interrupted(pause).await?;
        }
        step().await
    }

    pub(crate) fn judge(&self, step: Step, error: &Error) -> Failure {
        judge(step, error, self.spec())
    }

    /// The image as the destination shows it; none when it does not exist for us. A Glance that dies in the middle of a
    /// DELETE goes on showing the image, as `deleted`: it takes no data any more, and no DELETE either (400).
    pub(crate) async fn look(&self, image: ImageId, step: Step) -> Result<Option<Image>, Halt> {
        match self
            .control
            .unless_interrupted(self.destination.show(image))
            .await?
        {
            Ok(found) => Ok(Some(found).filter(|found| !is_deleted(found))),
            Err(Error::NotFound(_) | Error::Gone(_)) => Ok(None),
            Err(error) => Err(self.judge(step, &error).into()),
        }
    }

    /// Whether an image that the destination shows was made by this job.
    pub(crate) fn owns(&self, image: &Image) -> bool {
        provenance::is_own_image(
            self.order.job_id,
            self.order.attempt,
            &self.spec().destination.tenant,
            image.id,
            image.owner.as_ref(),
        )
    }
}
