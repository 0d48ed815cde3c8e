//! A unit of work: what a worker may be granted, with everything that it needs to know to do it.

use serde::{Deserialize, Serialize};

use crate::{CopySpec, OrphanRemoval, OrphanSearch, PlanFire, RegionId, ReplicaRemoval};

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// Make the copy.
    Copy(CopySpec),
    /// Settle the leftovers of the copy's earlier attempts; nothing else.
    CleanUp(CopySpec),
    /// Find the images that a fire of a plan copies.
    Resolve(PlanFire),
    /// Remove a replica that a plan keeps no longer.
    Remove(ReplicaRemoval),
    /// Find the region's images whose job nobody knows.
    FindOrphans(OrphanSearch),
    /// Remove one of those.
    RemoveOrphan(OrphanRemoval),
}

/// The kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// [`Unit::Copy`].
    Copy,
    /// [`Unit::CleanUp`].
    CleanUp,
    /// [`Unit::Resolve`].
    Resolve,
    /// [`Unit::Remove`].
    Remove,
    /// [`Unit::FindOrphans`].
    FindOrphans,
    /// [`Unit::RemoveOrphan`].
    RemoveOrphan,
}

// === impl Unit ===

impl Unit {
    /// Which kind of work it is.
    #[must_use]
    pub const fn kind(&self) -> UnitKind {
        match self {
            Self::Copy(_) => UnitKind::Copy,
            Self::CleanUp(_) => UnitKind::CleanUp,
            Self::Resolve(_) => UnitKind::Resolve,
            Self::Remove(_) => UnitKind::Remove,
            Self::FindOrphans(_) => UnitKind::FindOrphans,
            Self::RemoveOrphan(_) => UnitKind::RemoveOrphan,
        }
    }

    /// The copy that is made or cleaned up.
    #[must_use]
    pub const fn copy(&self) -> Option<&CopySpec> {
        match self {
            Self::Copy(spec) | Self::CleanUp(spec) => Some(spec),
            Self::Resolve(_) | Self::Remove(_) | Self::FindOrphans(_) | Self::RemoveOrphan(_) => {
                None
            }
        }
    }

    /// The region whose workers do it.
    #[must_use]
    pub const fn region(&self) -> &RegionId {
        match self {
            Self::Copy(spec) | Self::CleanUp(spec) => &spec.destination.region,
            Self::Resolve(fire) => &fire.destination.region,
            Self::Remove(removal) => &removal.replica.destination.region,
            Self::FindOrphans(search) => &search.region,
            Self::RemoveOrphan(removal) => &removal.region,
        }
    }

    /// The region whose images it looks at; what only removes stays within its own.
    #[must_use]
    pub const fn source_region(&self) -> &RegionId {
        match self {
            Self::Copy(spec) | Self::CleanUp(spec) => &spec.source.region,
            Self::Resolve(fire) => &fire.source_region,
            Self::Remove(removal) => &removal.replica.destination.region,
            Self::FindOrphans(search) => &search.region,
            Self::RemoveOrphan(removal) => &removal.region,
        }
    }

    /// W3C trace context of what caused it.
    #[must_use]
    pub fn traceparent(&self) -> Option<&str> {
        match self {
            Self::Copy(spec) | Self::CleanUp(spec) => spec.traceparent.as_deref(),
            Self::Resolve(fire) => fire.traceparent.as_deref(),
            Self::Remove(_) | Self::FindOrphans(_) | Self::RemoveOrphan(_) => None,
        }
    }
}

// === impl UnitKind ===

impl UnitKind {
    /// The name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::CleanUp => "clean_up",
            Self::Resolve => "resolve",
            Self::Remove => "remove",
            Self::FindOrphans => "find_orphans",
            Self::RemoveOrphan => "remove_orphan",
        }
    }
}
