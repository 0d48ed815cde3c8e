//! From the configuration to the clients of the cloud and the settings of the engine.

use anyhow::Context as _;
use copy_engine::{EngineSettings, MinimumRate, PropertyPattern};
use domain::RegionId;
use openstack::{
    Cloud, Credentials, HttpSettings, Region, RegionSettings, ServiceScope, Visibility,
};
use service_kit::config::{self, Config, CopyConfig, RegionConfig, WorkerConfig};

/// Clients of every configured region; calls nobody.
pub(crate) fn cloud(config: &Config) -> anyhow::Result<Cloud> {
    let regions = config
        .regions
        .iter()
        .map(|(id, region)| client(id, region).with_context(|| format!("regions.{id}")))
        .collect::<anyhow::Result<Vec<Region>>>()?;
    Ok(Cloud::new(regions))
}

/// How this worker makes copies.
pub(crate) fn engine_settings(copy: &CopyConfig, worker: &WorkerConfig) -> EngineSettings {
    let patterns = |texts: &[String]| {
        texts
            .iter()
            .map(|text| PropertyPattern::new(text))
            .collect()
    };
    EngineSettings {
        visibility: match copy.visibility {
            config::Visibility::Private => Visibility::Private,
            config::Visibility::Shared => Visibility::Shared,
            config::Visibility::Community => Visibility::Community,
        },
        dropped_properties: patterns(&copy.dropped_properties),
        required_properties: patterns(&copy.required_properties),
        read_ahead_bytes: copy.read_ahead_bytes,
        idle_timeout: copy.idle_timeout,
        minimum_rate: MinimumRate {
            bytes_per_second: worker.minimum_rate_bytes,
            window: worker.minimum_rate_window,
        },
    }
}

fn client(id: &RegionId, config: &RegionConfig) -> anyhow::Result<Region> {
    let user = &config.service_user;
    let scope = match config.scope {
        config::Scope::Project => ServiceScope::Project,
        config::Scope::Admin => ServiceScope::Admin {
            project_name: user
                .project_name
                .clone()
                .context("service_user.project_name is missing: scope = \"admin\" needs it")?,
            project_domain_id: user.project_domain_id.clone(),
        },
    };
    let region = Region::new(RegionSettings {
        id: id.clone(),
        keystone_url: config.keystone_url.clone(),
        glance_interface: config.glance_interface.clone(),
        glance_url: config.glance_url.clone(),
        credentials: Credentials {
            username: user.username.clone(),
            user_domain_id: user.user_domain_id.clone(),
            password: user.password()?,
        },
        scope,
        http: HttpSettings {
            ca_file: config.ca_file.clone(),
            ..HttpSettings::default()
        },
    })?;
    Ok(region)
}
