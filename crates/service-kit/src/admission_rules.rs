//! From the configuration to the rules of admission, for who asks whether a copy may be made.

use std::collections::BTreeMap;

use admission::{Admission, Policy, RegionRules};
use domain::RegionId;
use openstack::Cloud;

use crate::config::{Config, RulesConfig};

/// Admission of copies out of `source`; none when that is no region of `cloud`.
#[must_use]
pub fn admission(config: &Config, cloud: &Cloud, source: &RegionId) -> Option<Admission> {
    let policy = Policy {
        copy_roles: config.policy.copy_roles.clone(),
        plan_roles: config.policy.plan_roles.clone(),
        destination_roles: config.policy.destination_roles.clone(),
        required_properties: config.copy.required_properties.clone(),
    };
    let rules: BTreeMap<RegionId, RegionRules> = config
        .regions
        .iter()
        .map(|(id, region)| (id.clone(), rules(&region.rules)))
        .collect();
    Admission::new(cloud.clone(), source, policy, rules)
}

fn rules(config: &RulesConfig) -> RegionRules {
    RegionRules {
        refused_properties: config.refused_properties.clone(),
        unsupported_disk_formats: config.unsupported_disk_formats.clone(),
        unsupported_container_formats: config.unsupported_container_formats.clone(),
        max_image_bytes: (config.max_image_bytes > 0).then_some(config.max_image_bytes),
    }
}
