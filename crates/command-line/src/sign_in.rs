//! Where and as whom to sign in, as OpenStack's own clients are told: a cloud of `clouds.yaml`, or `OS_…` variables.
//!
//! Nothing here asks anybody: files and variables become [`CloudSettings`]. Secrets are in [`openstack::SignIn`] only, and no
//! error quotes a value of theirs.

mod cloud_settings;
mod environment;
mod files;

pub(crate) use cloud_settings::CloudSettings;

use crate::arguments::CloudChoice;
use crate::failure::{Exit, Failure};

/// The cloud that the options and variables choose.
pub(crate) fn chosen_cloud(choice: &CloudChoice) -> Result<CloudSettings, Failure> {
    let mut settings = match &choice.os_cloud {
        Some(name) => named_cloud(name)?,
        None => environment::cloud(|name| std::env::var(name).ok()).ok_or_else(|| {
            Failure::new(Exit::NotSignedIn, "there is nothing to sign in with")
                .remedy("Choose a cloud of clouds.yaml with --os-cloud, or set OS_AUTH_URL and what goes with it.")
        })??,
    };
    if let Some(region) = &choice.os_region_name {
        settings.region = Some(region.clone());
    }
    Ok(settings)
}

/// A cloud of `clouds.yaml`.
pub(crate) fn named_cloud(name: &str) -> Result<CloudSettings, Failure> {
    let clouds = files::read()?;
    let entry = clouds.get(name).ok_or_else(|| {
        let names: Vec<&str> = clouds.keys().map(String::as_str).collect();
        let remedy = if names.is_empty() {
            "No clouds.yaml was found in ., ~/.config/openstack and /etc/openstack.".to_owned()
        } else {
            format!("There are {}.", names.join(", "))
        };
        Failure::usage(format!("clouds.yaml has no cloud {name}")).remedy(remedy)
    })?;
    CloudSettings::of(&format!("cloud {name}"), entry)
}
