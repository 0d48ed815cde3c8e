//! From the configuration to the rules of admission and the timeouts of its calls.

use std::collections::BTreeMap;
use std::time::Duration;

use admission::{Admission, Policy, RegionRules};
use anyhow::Context as _;
use domain::RegionId;
use openstack::{Cloud, HttpSettings};
use service_kit::config::{Config, RulesConfig};

/// The timeouts of the gateway's calls. One call takes a quarter of a request's time at most, so that
/// a Glance that hangs is told from a request that is slow all in all.
pub(crate) fn timeouts(request_deadline: Duration) -> HttpSettings {
    let longest_call = request_deadline / 4;
    HttpSettings {
        connect_timeout: longest_call / 2,
        response_timeout: longest_call,
        ..HttpSettings::default()
    }
}

/// Admission of copies out of `source`.
pub(crate) fn admission(
    config: &Config,
    cloud: &Cloud,
    source: &RegionId,
) -> anyhow::Result<Admission> {
    let policy = Policy {
        copy_roles: config.policy.copy_roles.clone(),
        destination_roles: config.policy.destination_roles.clone(),
        required_properties: config.copy.required_properties.clone(),
    };
    let rules: BTreeMap<RegionId, RegionRules> = config
        .regions
        .iter()
        .map(|(id, region)| (id.clone(), rules(&region.rules)))
        .collect();
    Admission::new(cloud.clone(), source, policy, rules)
        .with_context(|| format!("gateway.region: regions.{source} is missing"))
}

fn rules(config: &RulesConfig) -> RegionRules {
    RegionRules {
        refused_properties: config.refused_properties.clone(),
        unsupported_disk_formats: config.unsupported_disk_formats.clone(),
        unsupported_container_formats: config.unsupported_container_formats.clone(),
        max_image_bytes: (config.max_image_bytes > 0).then_some(config.max_image_bytes),
    }
}
