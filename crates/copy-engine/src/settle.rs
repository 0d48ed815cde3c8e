//! Settles what earlier attempts of the job left at the destination.
//!
//! A leftover that is complete and holds the source's bytes is adopted: a worker died between its
//! upload and its report. Everything else is removed for good. Each id is reported as soon as it is
//! settled, so that nothing is done twice after a crash. A unit that only cleans adopts nothing.

use domain::ImageId;
use openstack::ImageStatus;

use crate::Failure;
use crate::outcome::Step;
use crate::remove::{Seen, remove};
use crate::unit::{Halt, Unit};
use crate::verify::{Finding, verify};

/// Settles every leftover but one that is fit to be this job's image, which is returned.
///
/// What cannot be removed now does not keep the others from being settled. It fails the attempt,
/// unless there is an image to adopt: then a later clean-up gets another chance.
pub(crate) async fn settle(
    unit: &Unit<'_>,
    idle_timeout: std::time::Duration,
) -> Result<Option<ImageId>, Halt> {
    let mut adopted = None;
    for image in open_leftovers(unit) {
        if is_complete(unit, image, idle_timeout).await? {
            adopted = Some(image);
            break;
        }
    }
    let rest = open_leftovers(unit).filter(|image| Some(*image) != adopted);
    match (remove_all(unit, rest).await, adopted) {
        (Err(Halt::Failed(_)) | Ok(()), Some(image)) => Ok(Some(image)),
        (Ok(()), None) => Ok(None),
        (Err(halt), _) => Err(halt),
    }
}

/// Removes images one after the other; the first failure is returned once all have been tried.
pub(crate) async fn remove_all(
    unit: &Unit<'_>,
    images: impl Iterator<Item = ImageId>,
) -> Result<(), Halt> {
    let mut first_failure: Option<Failure> = None;
    for image in images {
        match remove(unit, image, Seen::Never).await {
            Ok(()) => {}
            Err(Halt::Failed(failure)) => {
                tracing::warn!(job.id = %unit.order.job_id, image.id = %image, %failure,
                    "a leftover could not be removed yet");
                first_failure.get_or_insert(failure);
            }
            Err(interrupted @ Halt::Interrupted(_)) => return Err(interrupted),
        }
    }
    match first_failure {
        Some(failure) => Err(failure.into()),
        None => Ok(()),
    }
}

/// Leftovers that are not settled yet. This attempt's own image is never one.
pub(crate) fn open_leftovers<'a>(unit: &Unit<'a>) -> impl Iterator<Item = ImageId> + use<'a> {
    let progress = unit.progress;
    let own = unit.order.image();
    unit.order
        .leftovers
        .iter()
        .copied()
        .filter(move |image| *image != own && !progress.is_settled(*image))
}

async fn is_complete(
    unit: &Unit<'_>,
    image: ImageId,
    idle_timeout: std::time::Duration,
) -> Result<bool, Halt> {
    let Some(found) = unit.look(image, Step::Remove).await? else {
        return Ok(false);
    };
    if found.status != ImageStatus::Active || !unit.owns(&found) {
        return Ok(false);
    }
    Ok(verify(unit, &found, None, idle_timeout).await? == Finding::Same)
}
