//! A clean-up: nothing of the job stays at the destination.
//!
//! It never fails: what could not be removed is missing among the settled, and the scheduler grants
//! another clean-up.

use copy_engine::{Ended, Order};
use domain::CopySpec;
use tracing::warn;

use super::{destination, request_context};
use crate::attempt::Attempt;
use crate::workshop::Workshop;

/// Removes the leftovers of earlier attempts.
pub(crate) async fn clean_up(workshop: &Workshop, attempt: &Attempt, spec: &CopySpec) -> Ended {
    remove(workshop, attempt, &attempt.order(spec)).await
}

/// Removes everything of the job, this attempt's own image included: its end came too late.
pub(crate) async fn discard(workshop: &Workshop, attempt: &Attempt, spec: &CopySpec) -> Ended {
    remove(workshop, attempt, &attempt.order_to_discard(spec)).await
}

async fn remove(workshop: &Workshop, attempt: &Attempt, order: &Order) -> Ended {
    let destination = match destination(workshop, &request_context(attempt), &order.spec).await {
        Ok(destination) => destination,
        Err(failure) => {
            warn!(error.message = %failure, "the destination cannot be cleaned yet");
            return Ended::Cleaned;
        }
    };
    copy_engine::clean_up(
        &destination,
        order,
        &workshop.engine,
        &attempt.progress,
        &attempt.signals,
        &attempt.lease,
    )
    .await
}
