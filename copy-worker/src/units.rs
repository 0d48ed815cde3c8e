//! The kinds of work, one file each.

mod clean_up;
mod copy;

pub(crate) use clean_up::{clean_up, discard};
pub(crate) use copy::copy;

use openstack::RequestContext;
use service_kit::telemetry::trace_context;

use crate::attempt::Attempt;

/// What the unit's requests to Keystone and Glance carry. The request id is made of the job's, so that
/// all that a job caused is found in the cloud's own logs.
fn request_context(attempt: &Attempt) -> RequestContext {
    let traceparent =
        trace_context::current_traceparent().or_else(|| attempt.grant.spec.traceparent.clone());
    RequestContext::new(format!("req-{}", attempt.grant.job_id), traceparent)
}
