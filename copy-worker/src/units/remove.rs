//! An errand: removes a replica that its plan keeps no longer.

use domain::{ReplicaFate, ReplicaRemoval};

use super::ErrandEnd;
use crate::attempt::Attempt;
use crate::workshop::Workshop;

/// Removes the replica if that is safe, and says what became of it.
pub(crate) async fn remove(
    _workshop: &Workshop,
    _attempt: &Attempt,
    _removal: &ReplicaRemoval,
) -> ErrandEnd {
    let why = "this version of the worker removes no replicas";
    ErrandEnd::Removed(ReplicaFate::Kept(why.to_owned()))
}
