//! Settles what the job may have at the destination before an attempt makes anything.
//!
//! An image that was revealed and holds the source's bytes is adopted: a worker died between that
//! and its report, or the scheduler's store fell back to a state before that report. Every
//! other leftover is removed for good. Each id is reported as soon as it is settled, so that nothing is
//! done twice after a crash. A unit that only cleans adopts nothing.

use domain::ImageId;
use openstack::Image;

use crate::Failure;
use crate::outcome::Step;
use crate::provenance::is_revealed;
use crate::remove::{IfAbsent, Removal, Spare, remove};
use crate::unit::{Halt, Unit};
use crate::verify::{Finding, may_be_same, verify};

/// Settles every leftover but one that is fit to be this job's image, which is returned. It may
/// also be the attempt's own, for the attempt may have been made before and be forgotten.
///
/// What cannot be removed now does not keep the others from being settled. It fails the attempt,
/// unless there is an image to adopt: then a later clean-up gets another chance.
pub(crate) async fn settle(unit: &Unit<'_>) -> Result<Option<Image>, Halt> {
    let own = unit.order.image();
    let mut adopted = match unit.look(own, Step::ReadDestination).await? {
        Some(found) if is_complete(unit, &found).await? => Some(found),
        Some(_) | None => None,
    };
    let mut first_failure = None;
    for image in open_leftovers(unit) {
        let spare = match &adopted {
            None => Spare::Revealed,
            Some(_) => Spare::Nothing,
        };
        match adopt_or_remove(unit, image, spare).await {
            Ok(Some(complete)) => adopted = Some(complete),
            Ok(None) => {}
            Err(halt) => note(unit, image, halt, &mut first_failure)?,
        }
    }
    match (adopted, first_failure) {
        (Some(image), _) => Ok(Some(image)),
        (None, None) => Ok(None),
        (None, Some(failure)) => Err(failure.into()),
    }
}

async fn adopt_or_remove(
    unit: &Unit<'_>,
    image: ImageId,
    spare: Spare,
) -> Result<Option<Image>, Halt> {
    if let Removal::Spared(found) = remove(unit, image, IfAbsent::MayCome, spare).await? {
        if is_complete(unit, &found).await? {
            return Ok(Some(*found));
        }
        remove(unit, image, IfAbsent::Gone, Spare::Nothing).await?;
    }
    Ok(None)
}

/// Removes images one after the other; the first failure is returned once all have been tried.
pub(crate) async fn remove_all(
    unit: &Unit<'_>,
    images: impl Iterator<Item = ImageId>,
) -> Result<(), Halt> {
    let mut first_failure = None;
    for image in images {
        if let Err(halt) = remove(unit, image, IfAbsent::MayCome, Spare::Nothing).await {
            note(unit, image, halt, &mut first_failure)?;
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

/// Keeps the first failure of many; an interruption is passed on.
fn note(
    unit: &Unit<'_>,
    image: ImageId,
    halt: Halt,
    first_failure: &mut Option<Failure>,
) -> Result<(), Halt> {
    match halt {
        Halt::Failed(failure) => {
            tracing::warn!(job.id = %unit.order.job_id, image.id = %image, %failure,
                "a leftover could not be settled yet");
            first_failure.get_or_insert(failure);
            Ok(())
        }
        interrupted @ Halt::Interrupted(_) => Err(interrupted),
    }
}

async fn is_complete(unit: &Unit<'_>, found: &Image) -> Result<bool, Halt> {
    Ok(unit.owns(found)
        && is_revealed(found)
        && may_be_same(unit, found)
        && verify(unit, found, None).await? == Finding::Same)
}
