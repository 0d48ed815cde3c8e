//! From the configuration to the clients of the cloud. For the services that talk to OpenStack: the
//! scheduler never does, and is built without this.

use anyhow::Context as _;
use domain::RegionId;
use openstack::{Cloud, Credentials, HttpSettings, Password, Region, RegionSettings, ServiceScope};

use crate::config::{Config, ConfigError, RegionConfig, Scope, ServiceUserConfig};

/// Clients of every configured region, with these timeouts and each region's own authorities; calls
/// nobody.
///
/// # Errors
/// When a password or an authority can't be read; the error names the region.
pub fn cloud(config: &Config, http: &HttpSettings) -> anyhow::Result<Cloud> {
    let regions = config
        .regions
        .iter()
        .map(|(id, region)| client(id, region, http).with_context(|| format!("regions.{id}")))
        .collect::<anyhow::Result<Vec<Region>>>()?;
    Ok(Cloud::new(regions))
}

fn client(id: &RegionId, config: &RegionConfig, http: &HttpSettings) -> anyhow::Result<Region> {
    let user = &config.service_user;
    let settings = RegionSettings {
        id: id.clone(),
        keystone_url: config.keystone_url.clone(),
        glance_interface: config.glance_interface.clone(),
        glance_url: config.glance_url.clone(),
        credentials: Credentials {
            username: user.username.clone(),
            user_domain_id: user.user_domain_id.clone(),
            password: password(user)?,
        },
        scope: scope(config.scope, user)?,
        http: HttpSettings {
            ca_file: config.ca_file.clone(),
            ..http.clone()
        },
    };
    Ok(Region::new(settings)?)
}

/// The password, or the file that holds it, which must be there when a service starts.
fn password(user: &ServiceUserConfig) -> Result<Password, ConfigError> {
    let now = user.password()?;
    Ok(match &user.password_file {
        Some(path) => Password::File(path.clone()),
        None => Password::Value(now),
    })
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
