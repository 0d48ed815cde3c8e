//! What the errands of plans and operators have in common: how they end, and that they may be dropped at any moment.
//!
//! An errand makes nothing that would have to be removed again, so whoever ends it from outside does not
//! wait for it: its requests are left where they are, and another attempt begins anew.

use copy_engine::Failure;
use domain::{OrphansFound, ReplicaFate, ResolvedImage};

use crate::attempt::Attempt;

/// How an errand ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ErrandEnd {
    /// The images of the fire are found.
    Resolved(Vec<ResolvedImage>),
    /// It is settled what becomes of the replica, or the orphan.
    Removed(ReplicaFate),
    /// The region's orphans are found.
    OrphansFound(OrphansFound),
    /// It failed.
    Failed(Failure),
    /// It was called off, or its lease permits no writes any more.
    Stopped,
}

/// Does an errand until it is done or called off.
pub(crate) async fn run_errand(
    attempt: &Attempt,
    errand: impl Future<Output = ErrandEnd>,
) -> ErrandEnd {
    tokio::select! {
        biased;
        () = attempt.signals.stop.cancelled() => ErrandEnd::Stopped,
        () = attempt.signals.cancel.cancelled() => ErrandEnd::Stopped,
        end = errand => end,
    }
}
