//! What the operator decides about copies.
//!
//! Property patterns are names with an optional `*` at the end ([`domain::PropertyPattern`]).

/// Who may copy what, in every region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// A caller without one of these roles in the token's scope cannot copy.
    pub copy_roles: Vec<String>,
    /// In whose name a plan fires must hold one of these, beside one of `copy_roles`, on the tenant of the plan.
    pub plan_roles: Vec<String>,
    /// The caller must hold one of these on the destination tenant.
    pub destination_roles: Vec<String>,
    /// Patterns of properties that an image cannot work without and that refer into its region.
    pub required_properties: Vec<String>,
}

/// What one region takes as a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionRules {
    /// Patterns of properties that an image must not have (or have empty).
    pub refused_properties: Vec<String>,
    /// Disk formats refused beyond what the region's Glance refuses.
    pub unsupported_disk_formats: Vec<String>,
    /// Container formats refused beyond what the region's Glance refuses.
    pub unsupported_container_formats: Vec<String>,
    /// Larger images are refused; none: no limit.
    pub max_image_bytes: Option<u64>,
}
