//! Removes an image of the job for good: afterwards its id can never come to life again.
//!
//! Glance never lets a deleted id be used again. So an id that was never seen to exist is created
//! empty and deleted: a worker that froze before its create and wakes up later then gets a 409.
//! Every step may run twice and may meet another that does the same.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ErrorCode, ImageId};
use openstack::{Error, NewImage, PatchOp, Visibility};

use crate::Failure;
use crate::outcome::Step;
use crate::provenance::is_own_id;
use crate::unit::{Halt, Unit};

/// Looks at an image that keeps changing under our hands (others may create, protect or delete it)
/// so many times before leaving the rest to another try.
const ROUNDS: u32 = 5;

/// What is known of an id before it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Glance had it: when it is not there now, it was deleted.
    Yes,
    /// Nobody knows whether Glance ever had it, or will.
    Never,
}

/// Removes `image` and reports it settled.
///
/// An image that is not the job's own is left alone and counts as settled: it cannot be ours.
pub(crate) async fn remove(unit: &Unit<'_>, image: ImageId, seen: Seen) -> Result<(), Halt> {
    if is_own_id(unit.order.job_id, unit.order.attempt, image) {
        until_gone(unit, image, seen).await?;
    } else {
        tracing::warn!(job.id = %unit.order.job_id, image.id = %image,
            "an image that no attempt of the job made is left alone");
    }
    unit.progress.settle(image);
    Ok(())
}

async fn until_gone(unit: &Unit<'_>, image: ImageId, mut seen: Seen) -> Result<(), Halt> {
    for _ in 0..ROUNDS {
        match unit.look(image, Step::Remove).await? {
            None if seen == Seen::Yes => return Ok(()),
            None => {
                bury(unit, image).await?;
                seen = Seen::Yes;
            }
            Some(found) if !unit.owns(&found) => {
                tracing::warn!(job.id = %unit.order.job_id, image.id = %image,
                    "an image of another owner is left alone");
                return Ok(());
            }
            Some(found) => {
                seen = Seen::Yes;
                if found.protected {
                    unprotect(unit, image).await?;
                }
                if delete(unit, image).await? {
                    return Ok(());
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
    unit.control.permit().await?;
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
        properties: BTreeMap::new(),
    };
    match unit.destination.create(&tombstone).await {
        Ok(_) | Err(Error::Conflict(_)) => Ok(()),
        Err(error) => Err(unit.judge(Step::Remove, &error).into()),
    }
}

async fn unprotect(unit: &Unit<'_>, image: ImageId) -> Result<(), Halt> {
    unit.control.permit().await?;
    match unit
        .destination
        .patch(image, &[PatchOp::replace("protected", false)])
        .await
    {
        Ok(_) | Err(Error::NotFound(_) | Error::Gone(_)) => Ok(()),
        Err(error) => Err(unit.judge(Step::Remove, &error).into()),
    }
}

/// Whether the image is gone. It is not when it was protected or brought in use meanwhile.
async fn delete(unit: &Unit<'_>, image: ImageId) -> Result<bool, Halt> {
    unit.control.permit().await?;
    match unit.destination.delete(image).await {
        Ok(()) | Err(Error::NotFound(_) | Error::Gone(_)) => Ok(true),
        Err(Error::Forbidden(_) | Error::Conflict(_)) => Ok(false),
        Err(error) => Err(unit.judge(Step::Remove, &error).into()),
    }
}
