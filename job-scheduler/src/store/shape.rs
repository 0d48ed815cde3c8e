//! What the store must know of the configuration, the regions and the limits between them; and how
//! much of its indexes it shows at once.

use domain::RegionId;

/// Tenants that a region's view shows of each source.
pub(super) const TENANTS_SHOWN: usize = 4;
/// Units that a region's view shows of each tenant.
pub(super) const UNITS_SHOWN: usize = 4;
/// Lanes whose tickets are taken at once.
pub(super) const LANES_AT_ONCE: usize = 100;

/// How many copies may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one tenant into one destination region.
    pub copies_per_tenant: usize,
    /// From one source region.
    pub copies_per_source: usize,
    /// Into one destination region.
    pub copies_per_destination: usize,
}

/// Regions and limits. Clean-ups and errands count against none of the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Every region of the configuration.
    pub regions: Vec<RegionId>,
    /// The limits.
    pub limits: Limits,
}
