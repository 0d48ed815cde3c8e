//! Removes a replica that a plan's rotation has done with.
//!
//! Invariant: what goes is an image that the recorded job made (its id is one that the job's attempts reproduce) and
//! that its tenant owns, and it goes only while a replica that stays is active there. Properties decide nothing. What its
//! owner has protected, and what is in use, stays. It may run twice.

use domain::{Destination, ImageId, ReplicaFate, ReplicaRemoval};
use openstack::{Error, Glance, Image, ImageStatus, Withheld, WriteGate};

use crate::Failure;
use crate::provenance::is_own_image;
use crate::unit::is_deleted;

/// How many attempts a job may have had; far more than any has, for a record does not say. Only an image that
/// no attempt made costs as many hashes.
const MOST_ATTEMPTS: u32 = 10_000;

/// Why a removal came to no end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unremoved {
    /// It failed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// Another answers for it.
    #[error(transparent)]
    Withheld(#[from] Withheld),
}

/// Removes the replica, or says why it stays. `destination` acts in the project that the replica belongs to.
///
/// # Errors
/// When Glance does not answer as it should, or `gate` does not permit the removal any more.
pub async fn remove_replica(
    destination: &Glance,
    removal: &ReplicaRemoval,
    gate: &dyn WriteGate,
) -> Result<ReplicaFate, Unremoved> {
    let place = &removal.replica.destination;
    let replica = removal.replica.image_id;
    let Some(found) = look(destination, place, replica).await? else {
        return Ok(ReplicaFate::Gone);
    };
    if !is_own_image(
        removal.replica.job_id,
        MOST_ATTEMPTS,
        &place.tenant,
        found.id,
        found.owner.as_ref(),
    ) {
        return Ok(kept(
            removal,
            "it is no image that the plan made and its tenant owns",
        ));
    }
    if found.protected {
        return Ok(kept(removal, PROTECTED));
    }
    if !has_survivor(destination, removal).await? {
        return Ok(kept(
            removal,
            "none of the replicas that are to stay is active",
        ));
    }
    match destination.writes(gate).delete(replica).await {
        Ok(()) | Err(Error::NotFound(_) | Error::Gone(_)) => Ok(ReplicaFate::Gone),
        Err(Error::Conflict(_)) => Ok(kept(removal, "it is in use")),
        Err(Error::Withheld(withheld)) => Err(withheld.into()),
        Err(error @ Error::Forbidden(_)) => match look(destination, place, replica).await? {
            None => Ok(ReplicaFate::Gone),
            Some(now) if now.protected => Ok(kept(removal, PROTECTED)),
            Some(_) => Err(Failure::at_replica(&error, place).into()),
        },
        Err(error) => Err(Failure::at_replica(&error, place).into()),
    }
}

pub(crate) const PROTECTED: &str = "it is protected";

/// Whether one of the replicas that stay can be used.
async fn has_survivor(destination: &Glance, removal: &ReplicaRemoval) -> Result<bool, Failure> {
    let place = &removal.replica.destination;
    for survivor in &removal.survivors {
        if *survivor == removal.replica.image_id {
            continue;
        }
        if let Some(found) = look(destination, place, *survivor).await?
            && found.status == ImageStatus::Active
            && found.owner.as_ref() == Some(&place.tenant)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The image as it is shown now; none when it is deleted.
pub(crate) async fn look(
    destination: &Glance,
    place: &Destination,
    image: ImageId,
) -> Result<Option<Image>, Failure> {
    match destination.show(image).await {
        Ok(found) => Ok(Some(found).filter(|found| !is_deleted(found))),
        Err(Error::NotFound(_) | Error::Gone(_)) => Ok(None),
        Err(error) => Err(Failure::at_replica(&error, place)),
    }
}

/// It stays; `why` is said of it, and where.
fn kept(removal: &ReplicaRemoval, why: &str) -> ReplicaFate {
    ReplicaFate::Kept(format!(
        "{why} in region {}",
        removal.replica.destination.region
    ))
}
