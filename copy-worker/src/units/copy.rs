//! A copy: from the source tenant's Glance to the destination tenant's.

use copy_engine::{CopyEngine, Ended, Failure};
use domain::CopySpec;
use openstack::Glance;

use super::request_context;
use crate::attempt::Attempt;
use crate::workshop::Workshop;

/// Makes one attempt.
pub(crate) async fn copy(workshop: &Workshop, attempt: &Attempt, spec: &CopySpec) -> Ended {
    let (source, destination) = match glances(workshop, attempt, spec).await {
        Ok(glances) => glances,
        Err(failure) => return Ended::Failed(failure),
    };
    CopyEngine::new(source, destination, workshop.engine.clone())
        .copy(
            &attempt.order(spec),
            &attempt.progress,
            &attempt.signals,
            &attempt.lease,
        )
        .await
}

/// Both ends. Tokens are taken here, so that a missing role shows before anything is done.
async fn glances(
    workshop: &Workshop,
    attempt: &Attempt,
    spec: &CopySpec,
) -> Result<(Glance, Glance), Failure> {
    let context = request_context(attempt);
    let source = workshop
        .region(&spec.source.region, &context)?
        .glance_for_tenant(&spec.source.tenant)
        .await
        .map_err(|error| Failure::at_source(&error, spec))?;
    let destination = workshop
        .region(&spec.destination.region, &context)?
        .glance_for_tenant(&spec.destination.tenant)
        .await
        .map_err(|error| Failure::at_destination(&error, spec))?;
    Ok((source, destination))
}
