//! Removes an image whose job nobody knows.
//!
//! Invariant: what goes is an image whose own id the job that it names reproduces, which the project owns in which it was
//! found, and whose job is unknown by the word of whoever keeps jobs, asked right before the delete. A property alone
//! decides nothing: a snapshot that inherited one has an id of its own, and stays. What looks like a finished copy, and what
//! is protected, stays unless it is to go all the same. It may run twice.

use domain::{Destination, OrphanRemoval, ReplicaFate};
use openstack::{Error, Glance, Image, ImageStatus, PatchOp, WriteGate};

use crate::provenance::maker_of;
use crate::remove_replica::{PROTECTED, look};
use crate::{Failure, Unremoved};

/// Removes the orphan, or says why it stays. `glance` acts in the project that owns it; `is_unknown` asks whether its job
/// still is.
///
/// # Errors
/// When Glance or `is_unknown` does not answer as it should, or `gate` does not permit the removal any more.
pub async fn remove_orphan<F>(
    glance: &Glance,
    removal: &OrphanRemoval,
    is_unknown: impl Fn() -> F,
    gate: &dyn WriteGate,
) -> Result<ReplicaFate, Unremoved>
where
    F: Future<Output = Result<bool, Failure>>,
{
    let place = Destination {
        region: removal.region.clone(),
        tenant: removal.tenant.clone(),
    };
    let Some(found) = look(glance, &place, removal.image).await? else {
        return Ok(ReplicaFate::Gone);
    };
    if let Some(why) = stays(removal, &found) {
        return Ok(kept(why));
    }
    if !is_unknown().await? {
        return Ok(kept("its job, or a plan that keeps it, is known"));
    }
    let failed = |error| match error {
        Error::Withheld(withheld) => Unremoved::from(withheld),
        error => Failure::at_replica(&error, &place).into(),
    };
    if found.protected {
        let unprotect = [PatchOp::replace("protected", false)];
        match glance.writes(gate).patch(removal.image, &unprotect).await {
            Ok(_) => {}
            Err(Error::NotFound(_) | Error::Gone(_)) => return Ok(ReplicaFate::Gone),
            Err(error) => return Err(failed(error)),
        }
    }
    match glance.writes(gate).delete(removal.image).await {
        Ok(()) | Err(Error::NotFound(_) | Error::Gone(_)) => Ok(ReplicaFate::Gone),
        Err(Error::Conflict(_)) => Ok(kept("it is in use")),
        Err(error @ Error::Forbidden(_)) => match look(glance, &place, removal.image).await? {
            None => Ok(ReplicaFate::Gone),
            Some(now) if now.protected => Ok(kept(PROTECTED)),
            Some(_) => Err(failed(error)),
        },
        Err(error) => Err(failed(error)),
    }
}

/// Why an image is not to be removed, by what Glance says of it.
fn stays(removal: &OrphanRemoval, found: &Image) -> Option<&'static str> {
    let made = maker_of(found).map(|(job, _)| job);
    let is_whole = found.status == ImageStatus::Active && !found.os_hidden;
    if made != Some(removal.job) || found.owner.as_ref() != Some(&removal.tenant) {
        Some("it is no image that the job made and the project owns")
    } else if found.created_at >= removal.made_before {
        Some("it is too young")
    } else if is_whole && !removal.even_if_whole {
        Some("it is whole and shown: its owner may use it")
    } else if found.protected && !removal.even_if_protected {
        Some(PROTECTED)
    } else {
        None
    }
}

fn kept(why: &str) -> ReplicaFate {
    ReplicaFate::Kept(why.to_owned())
}
