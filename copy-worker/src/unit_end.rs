//! How a unit ended, of whichever kind it is: what the worker goes by when it reports the end.

use copy_engine::{Ended, Failure};
use domain::{ImageId, OrphansFound, ReplicaFate, ResolvedImage};

use crate::units::ErrandEnd;

/// The end of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnitEnd {
    /// The image is verified and visible.
    Replicated { image: ImageId },
    /// Nothing was made: an identical image is there already.
    Reused { image: ImageId },
    /// The images of a plan's fire are found.
    Resolved(Vec<ResolvedImage>),
    /// It is settled what becomes of a replica, or an orphan.
    Removed(ReplicaFate),
    /// A region's orphans are found.
    OrphansFound(OrphansFound),
    /// It failed.
    Failed(Failure),
    /// A cancel or clean-up ended.
    Cleaned,
    /// Given up so that another can go on at once.
    HandedBack,
    /// Ended from outside; nothing was touched since.
    Stopped,
}

impl From<Ended> for UnitEnd {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Replicated { image } => Self::Replicated { image },
            Ended::Reused { image } => Self::Reused { image },
            Ended::Failed(failure) => Self::Failed(failure),
            Ended::Cleaned => Self::Cleaned,
            Ended::HandedBack => Self::HandedBack,
            Ended::Stopped => Self::Stopped,
        }
    }
}

impl From<ErrandEnd> for UnitEnd {
    fn from(end: ErrandEnd) -> Self {
        match end {
            ErrandEnd::Resolved(images) => Self::Resolved(images),
            ErrandEnd::Removed(fate) => Self::Removed(fate),
            ErrandEnd::OrphansFound(found) => Self::OrphansFound(found),
            ErrandEnd::Failed(failure) => Self::Failed(failure),
            ErrandEnd::Stopped => Self::Stopped,
        }
    }
}
