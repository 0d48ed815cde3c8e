//! Lanes: where units queue within their destination region.
//!
//! A tenant's copies from one source have a lane of their own; everything that is no copy shares one, in which
//! no limit counts.

use domain::{RegionId, TenantId, UnitKind};

use super::keys::escape;
use crate::job_record::JobRecord;

/// The pseudo-source and pseudo-tenant under which everything queues that is no copy: a region's clean-ups and
/// the errands of plans.
pub const ERRANDS: &str = "~errands";

/// Where a unit queues: a tenant's copies from one source, or the region's errands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The escaped source region, or [`ERRANDS`].
    pub source: String,
    /// The escaped tenant, or [`ERRANDS`].
    pub tenant: String,
}

impl Lane {
    /// A tenant's copies from one source.
    #[must_use]
    pub fn copies(source: &RegionId, tenant: &TenantId) -> Self {
        Self {
            source: escape(source.as_str()),
            tenant: escape(tenant.as_str()),
        }
    }

    /// Clean-ups and the errands of plans.
    #[must_use]
    pub fn errands() -> Self {
        Self {
            source: ERRANDS.to_owned(),
            tenant: ERRANDS.to_owned(),
        }
    }

    /// Where a record's units of this kind queue.
    #[must_use]
    pub fn of(record: &JobRecord, kind: UnitKind) -> Self {
        match (kind, record.copy()) {
            (UnitKind::Copy, Some(spec)) => Self::copies(&spec.source.region, &spec.source.tenant),
            _ => Self::errands(),
        }
    }

    /// Whether errands queue here, which no limit counts.
    #[must_use]
    pub fn is_errands(&self) -> bool {
        self.source == ERRANDS
    }

    /// The lane's name within its region.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}|{}", self.source, self.tenant)
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (source, tenant) = name.split_once('|')?;
        Some(Self {
            source: source.to_owned(),
            tenant: tenant.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lane_names_read_back() {
        for lane in [
            Lane::errands(),
            Lane::copies(&RegionId::new("ot|1"), &TenantId::new("t")),
        ] {
            assert_eq!(Lane::parse(&lane.name()), Some(lane));
        }
    }
}
