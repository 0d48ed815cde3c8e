//! Sections `[regions.<id>]`.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::{ConfigError, secret};

/// One region of the cloud.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionConfig {
    /// Its Keystone, ending in `/v3`. Regions that name the same URL share one Keystone.
    pub keystone_url: Url,
    /// The interface that Glance is looked up with in the catalog.
    #[serde(default = "public")]
    pub glance_interface: String,
    /// Glance's address, in place of the catalog's.
    pub glance_url: Option<Url>,
    /// A PEM file with the authorities that sign this region's servers, beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How the service user's tokens are scoped.
    #[serde(default)]
    pub scope: Scope,
    /// The identity that reads and writes images here.
    pub service_user: ServiceUserConfig,
    /// What may come to this region.
    #[serde(default)]
    pub rules: RulesConfig,
}

/// How the service user's tokens are scoped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To the tenant's project for images and to the system for identity: least privilege.
    #[default]
    Project,
    /// To one project with the admin role, for everything.
    Admin,
}

/// The service user of a region.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceUserConfig {
    /// Its name.
    pub username: String,
    /// Its domain.
    #[serde(default = "default_domain")]
    pub user_domain_id: String,
    /// With `scope = "admin"`: the project where it is admin.
    pub project_name: Option<String>,
    /// That project's domain.
    #[serde(default = "default_domain")]
    pub project_domain_id: String,
    #[serde(default, deserialize_with = "secret::parse_optional")]
    pub(crate) password: Option<SecretString>,
    pub(crate) password_file: Option<PathBuf>,
}

/// What may come to a region.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RulesConfig {
    /// An image that has one of these properties (not empty) is refused with 404.
    pub refused_properties: Vec<String>,
    /// Disk formats that are refused with 409, beyond those that Glance's own schema lacks.
    pub unsupported_disk_formats: Vec<String>,
    /// Container formats that are refused with 409, likewise.
    pub unsupported_container_formats: Vec<String>,
    /// Larger images are refused with 409; 0 is no limit.
    pub max_image_bytes: u64,
}

impl ServiceUserConfig {
    /// The password; a file is read anew at each call.
    ///
    /// # Errors
    /// [`ConfigError`] when it is missing, set twice, or its file can't be read.
    pub fn password(&self) -> Result<SecretString, ConfigError> {
        secret::resolve("service_user.password", &self.password, &self.password_file)
    }
}

fn public() -> String {
    "public".to_owned()
}

fn default_domain() -> String {
    "default".to_owned()
}
