//! An errand: finds the images that a plan's fire copies.

use domain::{ErrorCode, JobError, PlanFire, ResolvedImage};

use super::{ErrandEnd, request_context};
use crate::attempt::Attempt;
use crate::workshop::Workshop;

/// Says of each image of the fire's action whether it may be copied.
pub(crate) async fn resolve(workshop: &Workshop, attempt: &Attempt, fire: &PlanFire) -> ErrandEnd {
    let context = request_context(attempt);
    if let Err(failure) = workshop.region(&fire.source_region, &context) {
        return ErrandEnd::Failed(failure);
    }
    let why = "this version of the worker finds no images for plans";
    ErrandEnd::Resolved(vec![ResolvedImage::Refused(JobError::new(
        ErrorCode::Internal,
        why,
    ))])
}
