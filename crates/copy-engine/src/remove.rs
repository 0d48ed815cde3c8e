//! Removes an image of the job for good: afterwards its id can never come to life again.
//!
//! Glance never lets a deleted id be used again. So an id that was never seen to exist is created
//! empty and deleted: a worker that froze before its create and wakes up later then gets a 409.
//! A delete may be late: its worker froze, or its answer was lost. It must not hit an image that somebody has a use for
//! by then. So no attempt adopts an image that was not revealed by whoever made it ([`is_revealed`]), and an image is marked
//! before it is deleted, so that nobody reveals it any more. The mark alone would not do: an upload that ends sets all
//! properties back to what they were when it began, for Glance saves the whole image.
//! Every step may run twice and may meet another that does the same.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ErrorCode, ImageId};
use openstack::{Error, Image, NewImage, PatchOp, Visibility};

use crate::Failure;
use crate::outcome::Step;
use crate::provenance::{
    REPLICATED_BY_JOB, REPLICATED_STATE, discarded, is_discarded, is_own_id, is_revealed,
    is_unverified,
};
use crate::transfer::{removal_deadline, until_upload_is_closed};
use crate::unit::{Halt, Unit};
use crate::verify::may_be_same;

/// Looks at an image that keeps changing under our hands (others may create, protect or delete it)
/// so many times before leaving the rest to another try.
const ROUNDS: u32 = 5;

/// What it means that Glance does not show an id that is to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfAbsent {
    /// The image was deleted, or no request that could make it is on its way.
    Gone,
    /// Nobody knows whether it will come to life: a create may still take effect.
    MayCome,
}

/// Which of the job's own images are left as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spare {
    /// None: the job is not to have an image, or has another.
    Nothing,
    /// One that was revealed and may hold the source's bytes, for an attempt to adopt. Such an image may be the one
    /// that its user was told of, or the next attempt may have adopted it already.
    Revealed,
}

/// What became of an image.
#[derive(Debug)]
pub(crate) enum Removal {
    /// It is gone for good and reported settled.
    Gone,
    /// It is spared, and not settled.
    Spared(Box<Image>),
}

/// Removes `image` and reports it settled, unless it is to be spared.
///
/// An image that is not the job's own is left alone and counts as settled: it cannot be ours.
pub(crate) async fn remove(
    unit: &Unit<'_>,
    image: ImageId,
    if_absent: IfAbsent,
    spare: Spare,
) -> Result<Removal, Halt> {
    if is_own_id(unit.order.job_id, unit.order.attempt, image) {
        let removal = until_gone(unit, image, if_absent, spare).await?;
        if let Removal::Spared(_) = removal {
            return Ok(removal);
        }
    } else {
        tracing::warn!(job.id = %unit.order.job_id, image.id = %image,
            "an image that no attempt of the job made is left alone");
    }
    unit.progress.settle(image);
    Ok(Removal::Gone)
}

async fn until_gone(
    unit: &Unit<'_>,
    image: ImageId,
    mut if_absent: IfAbsent,
    spare: Spare,
) -> Result<Removal, Halt> {
    let deadline = removal_deadline(unit);
    for _ in 0..ROUNDS {
        match until_upload_is_closed(unit, image, deadline).await? {
            None if if_absent == IfAbsent::Gone => return Ok(Removal::Gone),
            None => {
                bury(unit, image).await?;
                if_absent = IfAbsent::Gone;
            }
            Some(found) if !unit.owns(&found) => {
                tracing::warn!(job.id = %unit.order.job_id, image.id = %image,
                    "an image of another owner is left alone");
                return Ok(Removal::Gone);
            }
            Some(found)
                if spare == Spare::Revealed && is_revealed(&found) && may_be_same(unit, &found) =>
            {
                return Ok(Removal::Spared(Box::new(found)));
            }
            Some(found) => {
                if_absent = IfAbsent::Gone;
                if give_up(unit, &found).await? && delete(unit, image).await? {
                    return Ok(Removal::Gone);
                }
            }
        }
    }
    Err(Failure::transient(
        ErrorCode::DestinationUnavailable,
        format!(
            "image {image} in region {} could not be removed: it keeps changing",
            unit.spec().destination.region
        ),
    )
    .into())
}

/// Creates the image empty, so that it can be deleted. A conflict is as good: the image exists after
/// all (then the next look finds it) or was deleted before (then it does not).
async fn bury(unit: &Unit<'_>, image: ImageId) -> Result<(), Halt> {
    let tombstone = NewImage {
        id: image,
        name: None,
        owner: unit.spec().destination.tenant.clone(),
        visibility: Visibility::Private,
        os_hidden: true,
        protected: false,
        disk_format: None,
        container_format: None,
        min_disk: 0,
        min_ram: 0,
        tags: BTreeSet::new(),
        // Should it stay, an operator's search finds it.
        properties: BTreeMap::from([(REPLICATED_BY_JOB.to_owned(), discarded(unit.order.job_id))]),
    };
    match unit.writes().create(&tombstone).await {
        Ok(_) | Err(Error::Conflict(_)) => Ok(()),
        Err(error) => Err(unit.halt(Step::Remove, &error)),
    }
}

/// Marks the image and takes its protection away. Not done when it has changed meanwhile, as one has that was
/// revealed: then there is no state to be taken away, and Glance does none of it.
async fn give_up(unit: &Unit<'_>, found: &Image) -> Result<bool, Halt> {
    let mut changes = Vec::new();
    if found.protected {
        changes.push(PatchOp::replace("protected", false));
    }
    if is_unverified(found) {
        changes.push(PatchOp::remove(REPLICATED_STATE));
    }
    // What was created to be deleted is marked from the beginning.
    if found.properties.contains_key(REPLICATED_BY_JOB) && !is_discarded(found) {
        let mark = discarded(unit.order.job_id);
        changes.push(PatchOp::replace(REPLICATED_BY_JOB, mark));
    }
    if changes.is_empty() {
        return Ok(true);
    }
    match unit.writes().patch(found.id, &changes).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound(_) | Error::Gone(_) | Error::Conflict(_)) => Ok(false),
        Err(error) => Err(unit.halt(Step::Remove, &error)),
    }
}

/// Whether the image is gone. It is not when it was protected or brought in use meanwhile.
async fn delete(unit: &Unit<'_>, image: ImageId) -> Result<bool, Halt> {
    match unit.writes().delete(image).await {
        Ok(()) | Err(Error::NotFound(_) | Error::Gone(_)) => Ok(true),
        Err(Error::Forbidden(_) | Error::Conflict(_)) => Ok(false),
        Err(error) => Err(unit.halt(Step::Remove, &error)),
    }
}
