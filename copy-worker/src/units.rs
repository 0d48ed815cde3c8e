//! The kinds of work, one file each.

mod clean_up;
mod copy;
mod errand;
mod find_orphans;
mod remove;
mod remove_orphan;
mod resolve;

pub(crate) use clean_up::discard;
pub(crate) use copy::look_again;
pub(crate) use errand::{ErrandEnd, run_errand};

use copy_engine::Failure;
use domain::{CopySpec, Unit};
use openstack::{Glance, RequestContext};
use service_kit::telemetry::trace_context;

use crate::attempt::Attempt;
use crate::unit_end::UnitEnd;
use crate::workshop::Workshop;

/// Does what was granted.
pub(crate) async fn work(workshop: &Workshop, attempt: &Attempt) -> UnitEnd {
    match &attempt.grant.unit {
        Unit::Copy(spec) => copy::copy(workshop, attempt, spec).await.into(),
        Unit::CleanUp(spec) => clean_up::clean_up(workshop, attempt, spec).await.into(),
        Unit::Resolve(fire) => {
            let resolve = resolve::resolve(workshop, attempt, fire);
            run_errand(attempt, resolve).await.into()
        }
        Unit::Remove(removal) => {
            let remove = remove::remove(workshop, attempt, removal);
            run_errand(attempt, remove).await.into()
        }
        Unit::FindOrphans(search) => {
            let find = find_orphans::find_orphans(workshop, attempt, search);
            run_errand(attempt, find).await.into()
        }
        Unit::RemoveOrphan(removal) => {
            let remove = remove_orphan::remove_orphan(workshop, attempt, removal);
            run_errand(attempt, remove).await.into()
        }
    }
}

/// The Glance of a copy's destination, for the tenant that gets it.
async fn destination(
    workshop: &Workshop,
    context: &RequestContext,
    spec: &CopySpec,
) -> Result<Glance, Failure> {
    workshop
        .region(&spec.destination.region, context)?
        .glance_for_tenant(&spec.destination.tenant)
        .await
        .map_err(|error| Failure::at_destination(&error, spec))
}

/// What the unit's requests to Keystone and Glance carry. The request id is made of the job's, so that
/// all that a job caused is found in the cloud's own logs.
fn request_context(attempt: &Attempt) -> RequestContext {
    let unit = &attempt.grant.unit;
    let traceparent =
        trace_context::current_traceparent().or_else(|| unit.traceparent().map(ToOwned::to_owned));
    RequestContext::new(format!("req-{}", attempt.grant.job_id), traceparent)
}
