//! Why a copy may not be made; one variant a cause, each with a sentence for the caller.

use domain::{ImageId, RegionId, TenantId};

/// The first check that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Glance does not accept the caller's token.
    #[error("Authentication required.")]
    NotAuthenticated,
    /// The image does not exist, is deleted, or the caller may not see or download it.
    #[error("Image {image} does not exist, or you may not download it.")]
    ImageNotFound {
        /// The image.
        image: ImageId,
    },
    /// The image is there and cannot be read in its status.
    #[error("Image {image} is {status}; only an active image can be copied.")]
    ImageNotActive {
        /// The image.
        image: ImageId,
        /// Its status, in Glance's words.
        status: String,
    },
    /// The image is active and has no bytes in Glance, as the snapshot of a volume-backed server.
    #[error("Image {image} has no data in the image service (it may be backed by a volume).")]
    ImageWithoutData {
        /// The image.
        image: ImageId,
    },
    /// No region's Keystone knows the destination tenant.
    #[error("Tenant {tenant} does not exist in any region that images can be copied to.")]
    TenantNotFound {
        /// The destination tenant.
        tenant: TenantId,
    },
    /// The Keystone of the region that the request names does not know the destination tenant.
    #[error("Tenant {tenant} does not exist in region {region}.")]
    TenantNotInRegion {
        /// The destination tenant.
        tenant: TenantId,
        /// The region that was asked for.
        region: RegionId,
    },
    /// The request names a region that is not configured.
    #[error("Region {region} is not known; regions are {}.", list(.known))]
    UnknownRegion {
        /// The region that was asked for.
        region: RegionId,
        /// The regions that there are.
        known: Vec<RegionId>,
    },
    /// The destination tenant exists in several regions and nothing says which is meant.
    #[error("Tenant {tenant} fits several regions: set region_id_dst to one of {}.", list(.candidates))]
    AmbiguousRegion {
        /// The destination tenant.
        tenant: TenantId,
        /// The regions that it fits.
        candidates: Vec<RegionId>,
    },
    /// Source and destination are the same region and tenant.
    #[error("Source and destination are the same: tenant {tenant} in region {region}.")]
    SamePlace {
        /// The region.
        region: RegionId,
        /// The tenant.
        tenant: TenantId,
    },
    /// The caller has none of the roles that a copy needs on the destination tenant.
    #[error(
        "You have no role on tenant {tenant} in region {region} that allows to copy images to it."
    )]
    NoRoleOnDestination {
        /// The destination tenant.
        tenant: TenantId,
        /// Its region.
        region: RegionId,
    },
    /// The image has a property that the destination's rules refuse.
    #[error("Images with the property {property} cannot be copied to region {region}.")]
    RefusedProperty {
        /// The property.
        property: String,
        /// The destination region.
        region: RegionId,
    },
    /// The destination does not take the disk format.
    #[error("Region {region} does not support the disk format {format}.")]
    UnsupportedDiskFormat {
        /// The image's format; `(none)` when it has none.
        format: String,
        /// The destination region.
        region: RegionId,
    },
    /// The destination does not take the container format.
    #[error("Region {region} does not support the container format {format}.")]
    UnsupportedContainerFormat {
        /// The image's format; `(none)` when it has none.
        format: String,
        /// The destination region.
        region: RegionId,
    },
    /// The image is larger than the destination takes.
    #[error("The image has {size} bytes; region {region} takes {limit} at most.")]
    TooLarge {
        /// The image's size in bytes.
        size: u64,
        /// The destination's limit in bytes.
        limit: u64,
        /// The destination region.
        region: RegionId,
    },
    /// The image cannot work without something that stays in its region.
    #[error(
        "The image needs what its property {property} refers to, which exists in region {region} only."
    )]
    NotPortable {
        /// The property.
        property: String,
        /// The source region.
        region: RegionId,
    },
    /// A region's Glance does not answer.
    #[error("The image service of region {region} is not available.")]
    GlanceDown {
        /// The region.
        region: RegionId,
    },
    /// The service user lacks a right; for the operator to mend.
    #[error("The service user {user} of region {region} {lacks}.")]
    ServiceUserRefused {
        /// The region.
        region: RegionId,
        /// The service user's name.
        user: String,
        /// What it lacks, as the end of a sentence.
        lacks: String,
    },
    /// A region's Keystone does not answer.
    #[error("The identity service of region {region} is not available.")]
    KeystoneUnreachable {
        /// The region.
        region: RegionId,
    },
}

fn list(regions: &[RegionId]) -> String {
    regions
        .iter()
        .map(RegionId::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ambiguous_tenant_is_told_its_candidates() {
        let refusal = Refusal::AmbiguousRegion {
            tenant: TenantId::new("t"),
            candidates: vec![RegionId::new("ot2"), RegionId::new("ot3")],
        };
        assert_eq!(
            refusal.to_string(),
            "Tenant t fits several regions: set region_id_dst to one of ot2, ot3."
        );
    }
}
