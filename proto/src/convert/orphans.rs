//! The errands that look for orphans and remove them.

use domain::{Orphan, OrphanRemoval, OrphanSearch, OrphansFound, RegionId, TenantId};

use super::job::timestamp;
use super::{InvalidField, parse};
use crate::v1;

impl From<&OrphanSearch> for v1::OrphanSearch {
    fn from(search: &OrphanSearch) -> Self {
        Self {
            region_id: search.region.to_string(),
            made_before_ms: search.made_before.as_millisecond(),
        }
    }
}

impl TryFrom<v1::OrphanSearch> for OrphanSearch {
    type Error = InvalidField;

    fn try_from(search: v1::OrphanSearch) -> Result<Self, InvalidField> {
        Ok(Self {
            region: RegionId::new(search.region_id),
            made_before: timestamp("orphan_search.made_before_ms", search.made_before_ms)?,
        })
    }
}

impl From<&Orphan> for v1::Orphan {
    fn from(orphan: &Orphan) -> Self {
        Self {
            image_id: orphan.image.to_string(),
            tenant_id: orphan.tenant.to_string(),
            job_id: orphan.job.to_string(),
            attempt: orphan.attempt,
            name: orphan.name.clone(),
            status: orphan.status.clone(),
            is_hidden: orphan.is_hidden,
            is_protected: orphan.is_protected,
            size_bytes: orphan.size_bytes,
            made_at_ms: orphan.made_at.as_millisecond(),
        }
    }
}

impl TryFrom<v1::Orphan> for Orphan {
    type Error = InvalidField;

    fn try_from(orphan: v1::Orphan) -> Result<Self, InvalidField> {
        Ok(Self {
            image: parse("orphan.image_id", &orphan.image_id)?,
            tenant: TenantId::new(orphan.tenant_id),
            job: parse("orphan.job_id", &orphan.job_id)?,
            attempt: orphan.attempt,
            name: orphan.name,
            status: orphan.status,
            is_hidden: orphan.is_hidden,
            is_protected: orphan.is_protected,
            size_bytes: orphan.size_bytes,
            made_at: timestamp("orphan.made_at_ms", orphan.made_at_ms)?,
        })
    }
}

impl From<&OrphansFound> for v1::OrphansFound {
    fn from(found: &OrphansFound) -> Self {
        Self {
            orphans: found.orphans.iter().map(Into::into).collect(),
            is_cut_off: found.is_cut_off,
            tenants_unseen: found.tenants_unseen,
        }
    }
}

impl TryFrom<v1::OrphansFound> for OrphansFound {
    type Error = InvalidField;

    fn try_from(found: v1::OrphansFound) -> Result<Self, InvalidField> {
        let orphans = found.orphans.into_iter().map(TryInto::try_into);
        Ok(Self {
            orphans: orphans.collect::<Result<_, _>>()?,
            is_cut_off: found.is_cut_off,
            tenants_unseen: found.tenants_unseen,
        })
    }
}

impl From<&OrphanRemoval> for v1::OrphanRemoval {
    fn from(removal: &OrphanRemoval) -> Self {
        Self {
            region_id: removal.region.to_string(),
            image_id: removal.image.to_string(),
            tenant_id: removal.tenant.to_string(),
            job_id: removal.job.to_string(),
            made_before_ms: removal.made_before.as_millisecond(),
            even_if_whole: removal.even_if_whole,
            even_if_protected: removal.even_if_protected,
        }
    }
}

impl TryFrom<v1::OrphanRemoval> for OrphanRemoval {
    type Error = InvalidField;

    fn try_from(removal: v1::OrphanRemoval) -> Result<Self, InvalidField> {
        Ok(Self {
            region: RegionId::new(removal.region_id),
            image: parse("orphan_removal.image_id", &removal.image_id)?,
            tenant: TenantId::new(removal.tenant_id),
            job: parse("orphan_removal.job_id", &removal.job_id)?,
            made_before: timestamp("orphan_removal.made_before_ms", removal.made_before_ms)?,
            even_if_whole: removal.even_if_whole,
            even_if_protected: removal.even_if_protected,
        })
    }
}
