//! An image whose job nobody knows goes, with the service user's token for the project that owns it.
//!
//! What may go is `copy_engine::remove_orphan`'s to say; the scheduler is asked about the job, and the lease, right before
//! the delete is sent. It may be left at any moment and be done again.

use copy_engine::{Failure, Unremoved, WriteGate};
use domain::{Destination, OrphanRemoval, ReplicaFate};
use openstack::RequestContext;

use super::find_orphans::unknown;
use super::{ErrandEnd, request_context};
use crate::attempt::Attempt;
use crate::workshop::Workshop;

/// Does the errand.
pub(crate) async fn remove_orphan(
    workshop: &Workshop,
    attempt: &Attempt,
    removal: &OrphanRemoval,
) -> ErrandEnd {
    let context = request_context(attempt);
    match removed(workshop, attempt, removal, &context, &attempt.lease).await {
        Ok(fate) => ErrandEnd::Removed(fate),
        Err(Unremoved::Failed(failure)) => ErrandEnd::Failed(failure),
        Err(Unremoved::Withheld(_)) => ErrandEnd::Stopped,
    }
}

async fn removed(
    workshop: &Workshop,
    attempt: &Attempt,
    removal: &OrphanRemoval,
    context: &RequestContext,
    gate: &dyn WriteGate,
) -> Result<ReplicaFate, Unremoved> {
    let place = Destination {
        region: removal.region.clone(),
        tenant: removal.tenant.clone(),
    };
    let glance = workshop
        .region(&removal.region, context)?
        .glance_for_tenant(&removal.tenant)
        .await
        .map_err(|error| Failure::at_replica(&error, &place))?;
    let is_unknown = || async {
        let asked = [(removal.image, removal.job)];
        let unknown = unknown(workshop, attempt, &asked).await?;
        Ok(unknown.contains(&removal.image))
    };
    copy_engine::remove_orphan(&glance, removal, is_unknown, gate).await
}
