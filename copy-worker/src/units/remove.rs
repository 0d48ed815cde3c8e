//! A replica that a plan's rotation has done with goes, with the service user's token for the tenant that owns it.
//!
//! What may go, and what stays, is `copy_engine::remove_replica`'s to say; the lease is asked right before the
//! delete is sent. It may be left at any moment and be done again.

use copy_engine::{Failure, Unremoved, WriteGate, remove_replica};
use domain::{ReplicaFate, ReplicaRemoval};
use openstack::RequestContext;

use super::{ErrandEnd, request_context};
use crate::attempt::Attempt;
use crate::workshop::Workshop;

/// Does the errand.
pub(crate) async fn remove(
    workshop: &Workshop,
    attempt: &Attempt,
    removal: &ReplicaRemoval,
) -> ErrandEnd {
    let context = request_context(attempt);
    match removed(workshop, removal, &context, &attempt.lease).await {
        Ok(fate) => ErrandEnd::Removed(fate),
        Err(Unremoved::Failed(failure)) => ErrandEnd::Failed(failure),
        Err(Unremoved::Withheld(_)) => ErrandEnd::Stopped,
    }
}

async fn removed(
    workshop: &Workshop,
    removal: &ReplicaRemoval,
    context: &RequestContext,
    gate: &dyn WriteGate,
) -> Result<ReplicaFate, Unremoved> {
    let place = &removal.replica.destination;
    let glance = workshop
        .region(&place.region, context)?
        .glance_for_tenant(&place.tenant)
        .await
        .map_err(|error| Failure::at_replica(&error, place))?;
    remove_replica(&glance, removal, gate).await
}

#[cfg(test)]
mod tests {
    use copy_engine::Ungated;
    use domain::PlanId;
    use serde_json::json;
    use testbed::NewImage;

    use super::*;
    use crate::plan_stage::PlanStage;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_old_replica_goes_while_a_newer_one_stays() -> anyhow::Result<()> {
        let stage = PlanStage::set().await?;
        let workshop = stage.workshop()?;
        let image = NewImage::named("nightly", 1);
        let made = stage.source.make_image(&image).await?;
        let old = stage.replica(&image, &made).await?;
        let newer = stage.replica(&image, &made).await?;
        let removal = ReplicaRemoval {
            plan_id: PlanId::generate(),
            replica: old.clone(),
            survivors: vec![newer.image_id],
        };
        let remove =
            || async { removed(&workshop, &removal, &RequestContext::default(), &Ungated).await };
        let (there, id) = (&stage.destination, old.image_id.to_string());

        let protect = |on: bool| json!([{"op": "replace", "path": "/protected", "value": on}]);
        there.patch_image(&id, &protect(true)).await?;
        let ReplicaFate::Kept(why) = remove().await? else {
            anyhow::bail!("a protected replica went");
        };
        assert!(why.contains("protected"), "{why}");
        there.patch_image(&id, &protect(false)).await?;
        for _ in 0..2 {
            assert_eq!(remove().await?, ReplicaFate::Gone);
            assert!(there.image(&id).await?.is_none());
        }
        assert!(there.image(&newer.image_id.to_string()).await?.is_some());
        Ok(())
    }
}
