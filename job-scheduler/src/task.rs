//! What a job is for: a caller's copy, or an errand that a plan or an operator needs done.
//!
//! An errand is worked on as a copy is, with leases, retries and deadlines; but it belongs to no caller: it is in
//! no caller's list and no stream, counts against no limit and makes no image. What it found stays in its record
//! until its plan has heard of it, or, for an operator, as long as a finished job's.

use domain::{
    CopySpec, OrphanRemoval, OrphanSearch, OrphansFound, PlanFire, PlanId, RegionId, ReplicaFate,
    ReplicaRemoval, ResolvedImage, UnitKind,
};
use serde::{Deserialize, Serialize};

use crate::job_record::Owner;

/// What is to be done. Stored as a field of the record, named for the kind; a copy's has been called `spec`
/// since there were only copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// A copy.
    #[serde(rename = "spec")]
    Copy(CopySpec),
    /// An errand: to find the images that a plan's fire copies.
    #[serde(rename = "resolve")]
    Resolve(PlanFire),
    /// An errand: to remove a replica that its plan keeps no longer.
    #[serde(rename = "remove")]
    Remove(ReplicaRemoval),
    /// An operator's errand: to find images of a region whose job nobody knows.
    #[serde(rename = "find_orphans")]
    FindOrphans(OrphanSearch),
    /// An operator's errand: to remove one of those.
    #[serde(rename = "remove_orphan")]
    RemoveOrphan(OrphanRemoval),
}

/// What an errand came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrandResult {
    /// Of [`Task::Resolve`].
    Resolved(Vec<ResolvedImage>),
    /// Of [`Task::Remove`] and [`Task::RemoveOrphan`].
    Removed(ReplicaFate),
    /// Of [`Task::FindOrphans`].
    OrphansFound(OrphansFound),
}

// === impl Task ===

impl Task {
    /// The kind of the units that do it; what is left over is cleaned up apart.
    #[must_use]
    pub const fn kind(&self) -> UnitKind {
        match self {
            Self::Copy(_) => UnitKind::Copy,
            Self::Resolve(_) => UnitKind::Resolve,
            Self::Remove(_) => UnitKind::Remove,
            Self::FindOrphans(_) => UnitKind::FindOrphans,
            Self::RemoveOrphan(_) => UnitKind::RemoveOrphan,
        }
    }

    /// The copy; none for an errand.
    #[must_use]
    pub const fn copy(&self) -> Option<&CopySpec> {
        match self {
            Self::Copy(spec) => Some(spec),
            Self::Resolve(_) | Self::Remove(_) | Self::FindOrphans(_) | Self::RemoveOrphan(_) => {
                None
            }
        }
    }

    /// Whose job it is; an errand is nobody's.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        self.copy().map(|spec| Owner {
            region: spec.source.region.clone(),
            tenant: spec.source.tenant.clone(),
        })
    }

    /// The region whose workers do it.
    #[must_use]
    pub const fn region(&self) -> &RegionId {
        match self {
            Self::Copy(spec) => &spec.destination.region,
            Self::Resolve(fire) => &fire.destination.region,
            Self::Remove(removal) => &removal.replica.destination.region,
            Self::FindOrphans(search) => &search.region,
            Self::RemoveOrphan(removal) => &removal.region,
        }
    }

    /// The region whose images it looks at; a removal stays within its own.
    #[must_use]
    pub const fn source_region(&self) -> &RegionId {
        match self {
            Self::Copy(spec) => &spec.source.region,
            Self::Resolve(fire) => &fire.source_region,
            Self::Remove(removal) => &removal.replica.destination.region,
            Self::FindOrphans(search) => &search.region,
            Self::RemoveOrphan(removal) => &removal.region,
        }
    }

    /// The plan that it is done for; none when it is for nobody's plan.
    #[must_use]
    pub const fn plan(&self) -> Option<PlanId> {
        match self {
            Self::Copy(spec) => spec.plan_id,
            Self::Resolve(fire) => Some(fire.plan_id),
            Self::Remove(removal) => Some(removal.plan_id),
            Self::FindOrphans(_) | Self::RemoveOrphan(_) => None,
        }
    }

    /// W3C trace context of what caused it.
    #[must_use]
    pub fn traceparent(&self) -> Option<&str> {
        match self {
            Self::Copy(spec) => spec.traceparent.as_deref(),
            Self::Resolve(fire) => fire.traceparent.as_deref(),
            Self::Remove(_) | Self::FindOrphans(_) | Self::RemoveOrphan(_) => None,
        }
    }

    /// Bytes to move.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        match self {
            Self::Copy(spec) => spec.source_digest.size_bytes,
            Self::Resolve(_) | Self::Remove(_) | Self::FindOrphans(_) | Self::RemoveOrphan(_) => 0,
        }
    }

    /// What it is called in a sentence for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Copy(_) => "the copy",
            Self::Resolve(_) => "the search for the plan's images",
            Self::Remove(_) => "the removal of a replica",
            Self::FindOrphans(_) => "the search for orphans",
            Self::RemoveOrphan(_) => "the removal of an orphan",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::job_record::JobRecord;
    use crate::lifecycle::sample;

    #[test]
    fn every_record_reads_back() {
        for record in [
            sample::accepted(),
            sample::accepted_as(sample::resolve()),
            sample::accepted_as(sample::remove()),
            sample::accepted_as(sample::find_orphans()),
            sample::accepted_as(sample::remove_orphan()),
        ] {
            let text = serde_json::to_string(&record).expect("plain data");
            let back: JobRecord = serde_json::from_str(&text).expect("its own words");
            assert_eq!(back, record);
        }
    }

    /// Schedulers of before and after run side by side while they are replaced.
    #[test]
    fn a_copys_record_is_what_it_was_before_there_were_errands() {
        let record = sample::accepted();
        let mut stored = serde_json::to_value(&record).expect("plain data");
        let fields = stored.as_object_mut().expect("an object");
        assert_eq!(fields["spec"]["source_image_name"], "debian");
        fields.remove("errand_result");
        fields.remove("told_plan");
        fields.remove("acts");
        let back: JobRecord = serde_json::from_value(stored).expect("still understood");
        assert_eq!(back, record);
    }
}
