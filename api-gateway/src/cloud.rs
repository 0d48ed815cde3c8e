//! From the configuration to the clients of the cloud and the rules of admission.

use std::collections::BTreeMap;
use std::time::Duration;

use admission::{Admission, Policy, RegionRules};
use anyhow::Context as _;
use domain::RegionId;
use openstack::{Cloud, Credentials, HttpSettings, Region, RegionSettings, ServiceScope};
use service_kit::config::{Config, RegionConfig, RulesConfig, Scope, ServiceUserConfig};

/// Clients of every configured region; calls nobody. One call takes a quarter of a request's time at
/// most, so that a Glance that hangs is told from a request that is slow all in all.
pub(crate) fn cloud(config: &Config, request_deadline: Duration) -> anyhow::Result<Cloud> {
    let longest_call = request_deadline / 4;
    let regions = config
        .regions
        .iter()
        .map(|(id, region)| {
            client(id, region, longest_call).with_context(|| format!("regions.{id}"))
        })
        .collect::<anyhow::Result<Vec<Region>>>()?;
    Ok(Cloud::new(regions))
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

fn client(id: &RegionId, config: &RegionConfig, longest_call: Duration) -> anyhow::Result<Region> {
    let settings = RegionSettings {
        id: id.clone(),
        keystone_url: config.keystone_url.clone(),
        glance_interface: config.glance_interface.clone(),
        glance_url: config.glance_url.clone(),
        credentials: Credentials {
            username: config.service_user.username.clone(),
            user_domain_id: config.service_user.user_domain_id.clone(),
            password: config.service_user.password()?,
        },
        scope: scope(config.scope, &config.service_user)?,
        http: HttpSettings {
            connect_timeout: longest_call / 2,
            response_timeout: longest_call,
            ca_file: config.ca_file.clone(),
            ..HttpSettings::default()
        },
    };
    Ok(Region::new(settings)?)
}

fn scope(scope: Scope, user: &ServiceUserConfig) -> anyhow::Result<ServiceScope> {
    match scope {
        Scope::Project => Ok(ServiceScope::Project),
        Scope::Admin => Ok(ServiceScope::Admin {
            project_name: user
                .project_name
                .clone()
                .context("service_user.project_name is missing: scope = \"admin\" needs it")?,
            project_domain_id: user.project_domain_id.clone(),
        }),
    }
}

fn rules(config: &RulesConfig) -> RegionRules {
    RegionRules {
        refused_properties: config.refused_properties.clone(),
        unsupported_disk_formats: config.unsupported_disk_formats.clone(),
        unsupported_container_formats: config.unsupported_container_formats.clone(),
        max_image_bytes: (config.max_image_bytes > 0).then_some(config.max_image_bytes),
    }
}
