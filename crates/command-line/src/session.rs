//! Being signed in at one cloud: the token, and what it tells of regions, endpoints and projects.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use domain::{RegionId, TenantId};
use openstack::{
    Auth, Glance, HttpClient, HttpSettings, Keystone, Project, ServiceIdentity, ServiceScope, Token,
};
use url::Url;

use crate::failure::{Exit, Failure};
use crate::host_names;
use crate::sign_in::CloudSettings;

/// The catalog's name for Glance, and for what answers the image copy API on the same address.
const IMAGE: &str = "image";

/// A user who is signed in.
pub(crate) struct Session {
    pub(crate) settings: CloudSettings,
    http: HttpClient,
    keystone: Keystone,
    token: Mutex<Token>,
}

impl Session {
    /// Signs in.
    pub(crate) async fn open(settings: CloudSettings) -> Result<Self, Failure> {
        let http = HttpClient::new(HttpSettings {
            ca_file: settings.ca_file.clone(),
            resolver: host_names::for_openstack(),
            ..HttpSettings::default()
        })?;
        let keystone = Keystone::new(settings.auth_url.clone(), http.clone());
        let token = sign_in(&keystone, &settings).await?;
        Ok(Self {
            settings,
            http,
            keystone,
            token: Mutex::new(token),
        })
    }

    /// The token as it is now.
    pub(crate) fn token(&self) -> Token {
        self.token
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Signs in again, after a token was refused.
    pub(crate) async fn renew(&self) -> Result<(), Failure> {
        let token = sign_in(&self.keystone, &self.settings).await?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
        Ok(())
    }

    /// The project that the token is for.
    pub(crate) fn project(&self) -> Result<TenantId, Failure> {
        let token = self.token();
        let project = token
            .info
            .project
            .as_ref()
            .map(|project| project.id.clone());
        project.ok_or_else(|| {
            Failure::usage(format!("{}: no project is chosen", self.settings.title))
                .remedy("Write project_name (or project_id) under auth in clouds.yaml, or set OS_PROJECT_NAME.")
        })
    }

    /// The region to work in: the one that was chosen, else the only one.
    pub(crate) fn region(&self) -> Result<RegionId, Failure> {
        let regions = self.regions();
        match (&self.settings.region, regions.as_slice()) {
            (Some(chosen), _) => Ok(RegionId::new(chosen)),
            (None, [only]) => Ok(RegionId::new(only)),
            (None, several) => Err(Failure::usage(format!(
                "{}: no region is chosen",
                self.settings.title
            ))
            .remedy(format!(
                "Choose one with --os-region-name: there are {}.",
                several.join(", ")
            ))),
        }
    }

    /// The regions that have images, by name.
    pub(crate) fn regions(&self) -> Vec<String> {
        let token = self.token();
        let services = token.info.catalog.services.iter();
        let regions: BTreeSet<&String> = services
            .filter(|service| service.kind == IMAGE)
            .flat_map(|service| &service.endpoints)
            .filter(|endpoint| endpoint.interface == self.settings.interface)
            .filter_map(|endpoint| endpoint.region_id.as_ref())
            .collect();
        regions.into_iter().cloned().collect()
    }

    /// The address of a service in a region.
    pub(crate) fn endpoint(
        &self,
        service: &'static str,
        region: &RegionId,
    ) -> Result<Url, Failure> {
        let catalog = &self.token().info.catalog;
        let endpoint = catalog.endpoint(service, &self.settings.interface, region);
        endpoint.map_err(|error| {
            let regions = self.regions().join(", ");
            Failure::from(error).remedy(format!("The catalog has the regions {regions}."))
        })
    }

    /// The region's image service.
    pub(crate) fn image_endpoint(&self, region: &RegionId) -> Result<Url, Failure> {
        match &self.settings.image_endpoint {
            Some(endpoint) => Ok(endpoint.clone()),
            None => self.endpoint(IMAGE, region),
        }
    }

    /// The region's Glance with the token as it is now.
    pub(crate) fn glance(&self, region: &RegionId) -> Result<Glance, Failure> {
        let auth = Auth::Caller(self.token().secret().clone());
        Ok(Glance::new(
            self.image_endpoint(region)?,
            auth,
            self.http.clone(),
        ))
    }

    /// The region's Glance for a project, with tokens that are replaced before they expire: a copy may take longer than
    /// one lives.
    pub(crate) fn lasting_glance(
        &self,
        region: &RegionId,
        project: &TenantId,
    ) -> Result<Glance, Failure> {
        let sign_in = self.settings.sign_in.clone();
        if sign_in.brings_its_project() && self.project()? != *project {
            return Err(Failure::usage(format!(
                "{}: an application credential is for its own project only, which is not {project}",
                self.settings.title
            ))
            .remedy("Sign in with a password, or with a credential of that project."));
        }
        let auth = Auth::Service {
            identity: ServiceIdentity::new(self.keystone.clone(), sign_in, ServiceScope::Project),
            purpose: openstack::Purpose::Images(project.clone()),
        };
        Ok(Glance::new(
            self.image_endpoint(region)?,
            auth,
            self.http.clone(),
        ))
    }

    /// The projects that the user can sign in to.
    pub(crate) async fn own_projects(&self) -> Result<Vec<Project>, Failure> {
        let token = self.token();
        let list = self.keystone.own_projects(token.secret()).await;
        Ok(list
            .map_err(|error| Failure::from(error).while_doing("listing your projects"))?
            .projects)
    }
}

async fn sign_in(keystone: &Keystone, settings: &CloudSettings) -> Result<Token, Failure> {
    let token = keystone
        .authenticate(&settings.sign_in, &settings.scope)
        .await;
    token.map_err(|error| {
        let failure =
            Failure::from(error).while_doing(&format!("signing in with {}", settings.title));
        match failure.exit {
            Exit::NotSignedIn => failure.remedy(
                "Check user, password and project: Keystone does not say which of them it refuses.",
            ),
            Exit::Unreachable => failure.remedy(format!("Check auth_url: {}", settings.auth_url)),
            _ => failure,
        }
    })
}
