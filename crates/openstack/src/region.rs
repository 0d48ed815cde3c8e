//! A region as a whole: its Keystone, the service user there, and the way to its Glance.

use std::collections::BTreeMap;

use domain::{RegionId, TenantId};
use secrecy::SecretString;
use url::Url;

use crate::glance::unversioned;
use crate::{
    Auth, Credentials, Error, Glance, HttpClient, HttpSettings, Keystone, Purpose, RequestContext,
    ServiceIdentity, ServiceScope, Token, TokenInfo,
};

/// The catalog's name for Glance.
const IMAGE_SERVICE: &str = "image";
/// The catalog's name for addresses that users have.
const PUBLIC: &str = "public";

/// Everything that is to be known of a region.
#[derive(Debug, Clone)]
pub struct RegionSettings {
    /// The region, as the catalog spells it.
    pub id: RegionId,
    /// Keystone's address, ending in `/v3`. Regions with the same one share it.
    pub keystone_url: Url,
    /// Which endpoint of Glance to use: `public`, `internal` or `admin`.
    pub glance_interface: String,
    /// Glance's address, when it is not the catalog's.
    pub glance_url: Option<Url>,
    /// The service user.
    pub credentials: Credentials,
    /// How the service user gets at tenants' projects.
    pub scope: ServiceScope,
    /// Timeouts and trust.
    pub http: HttpSettings,
}

/// A region that can be called; cheap to clone, clones share connections and service tokens.
#[derive(Debug, Clone)]
pub struct Region {
    id: RegionId,
    keystone: Keystone,
    identity: ServiceIdentity,
    glance_interface: String,
    glance_url: Option<Url>,
    http: HttpClient,
}

/// All configured regions.
#[derive(Debug, Clone, Default)]
pub struct Cloud {
    regions: BTreeMap<RegionId, Region>,
}

// === impl Region ===

impl Region {
    /// Builds the clients; calls nobody.
    ///
    /// # Errors
    /// [`Error::Settings`] when the certificate file cannot be used.
    pub fn new(settings: RegionSettings) -> Result<Self, Error> {
        let http = HttpClient::new(settings.http.clone())?;
        Ok(Self::over(http, settings))
    }

    /// The same with a client that is there already.
    #[must_use]
    pub fn over(http: HttpClient, settings: RegionSettings) -> Self {
        let keystone = Keystone::new(settings.keystone_url, http.clone());
        let identity = ServiceIdentity::new(keystone.clone(), settings.credentials, settings.scope);
        Self {
            id: settings.id,
            keystone,
            identity,
            glance_interface: settings.glance_interface,
            glance_url: settings.glance_url,
            http,
        }
    }

    /// The same region, with requests that carry this context.
    #[must_use]
    pub fn with_context(&self, context: &RequestContext) -> Self {
        Self {
            keystone: self.keystone.with_context(context),
            http: self.http.with_context(context),
            ..self.clone()
        }
    }

    /// The region's id.
    #[must_use]
    pub fn id(&self) -> &RegionId {
        &self.id
    }

    /// The region's Keystone.
    #[must_use]
    pub fn keystone(&self) -> &Keystone {
        &self.keystone
    }

    /// The service user there.
    #[must_use]
    pub fn identity(&self) -> &ServiceIdentity {
        &self.identity
    }

    /// Whether both regions have the same Keystone: the same users, projects and tokens.
    #[must_use]
    pub fn shares_keystone_with(&self, other: &Self) -> bool {
        let address = |region: &Self| {
            let url = region.keystone.url().as_str();
            url.trim_end_matches('/').to_owned()
        };
        address(self) == address(other)
    }

    /// A service token for lookups in the region's Keystone.
    ///
    /// # Errors
    /// [`Error::NoToken`].
    pub async fn lookup_token(&self) -> Result<Token, Error> {
        self.service_token(&Purpose::Lookup).await
    }

    /// A service token for the images of a tenant.
    ///
    /// # Errors
    /// [`Error::NoToken`]; its cause is [`Error::Unauthorized`] when the service user has no role there.
    pub async fn tenant_token(&self, tenant: &TenantId) -> Result<Token, Error> {
        self.service_token(&Purpose::Images(tenant.clone())).await
    }

    /// Whether a service token for the images of a tenant is at hand, so that Keystone need not be asked for one.
    #[must_use]
    pub fn has_tenant_token(&self, tenant: &TenantId) -> bool {
        self.identity.has_token(&Purpose::Images(tenant.clone()))
    }

    /// What a caller's token proves; none when it is not valid. A service token that is refused is
    /// replaced once.
    ///
    /// # Errors
    /// [`Error::NoToken`] and any failed call.
    pub async fn validate(&self, subject: &SecretString) -> Result<Option<TokenInfo>, Error> {
        self.look_up(
            |keystone, token| async move { keystone.validate(token.secret(), subject).await },
        )
        .await
    }

    /// Calls Keystone with the lookup token; once more with a new one when it is not accepted.
    ///
    /// # Errors
    /// [`Error::NoToken`] and whatever the call answers.
    pub async fn look_up<T, F>(&self, call: impl Fn(Keystone, Token) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let token = self.lookup_token().await?;
        match call(self.keystone.clone(), token.clone()).await {
            Err(Error::Unauthorized(_)) => {
                self.identity.invalidate(&token);
                call(self.keystone.clone(), self.lookup_token().await?).await
            }
            other => other,
        }
    }

    /// Glance with a caller's own token.
    ///
    /// # Errors
    /// [`Error::NoToken`] or [`Error::NoEndpoint`] when the address has to be looked up and cannot be.
    pub async fn glance_for_caller(&self, token: SecretString) -> Result<Glance, Error> {
        let url = match &self.glance_url {
            Some(url) => url.clone(),
            None => self.endpoint_in(&self.lookup_token().await?)?,
        };
        Ok(Glance::new(url, Auth::Caller(token), self.http.clone()))
    }

    /// Glance with the service user's token for the images of a tenant.
    ///
    /// # Errors
    /// [`Error::NoToken`] or [`Error::NoEndpoint`]: the token is taken now, so that a missing role shows
    /// before anything is done.
    pub async fn glance_for_tenant(&self, tenant: &TenantId) -> Result<Glance, Error> {
        let purpose = Purpose::Images(tenant.clone());
        let token = self.service_token(&purpose).await?;
        let url = match &self.glance_url {
            Some(url) => url.clone(),
            None => self.endpoint_in(&token)?,
        };
        let auth = Auth::Service {
            identity: self.identity.clone(),
            purpose,
        };
        Ok(Glance::new(url, auth, self.http.clone()))
    }

    /// Glance with the administrator's token, to which it lists every project's images; none where the service user has
    /// no such token.
    ///
    /// # Errors
    /// As [`Region::glance_for_tenant`].
    pub async fn glance_of_admin(&self) -> Result<Option<Glance>, Error> {
        if !self.identity.is_admin() {
            return Ok(None);
        }
        let token = self.lookup_token().await?;
        let url = match &self.glance_url {
            Some(url) => url.clone(),
            None => self.endpoint_in(&token)?,
        };
        let auth = Auth::Service {
            identity: self.identity.clone(),
            purpose: Purpose::Lookup,
        };
        Ok(Some(Glance::new(url, auth, self.http.clone())))
    }

    /// The address at which everybody finds Glance, without a version, as the catalog has it; not
    /// necessarily the one that is used here.
    ///
    /// # Errors
    /// [`Error::NoToken`] or [`Error::NoEndpoint`].
    pub async fn public_glance_url(&self) -> Result<Url, Error> {
        let catalog = &self.lookup_token().await?.info.catalog;
        let url = catalog.endpoint(IMAGE_SERVICE, PUBLIC, &self.id)?;
        Ok(unversioned(url))
    }

    async fn service_token(&self, purpose: &Purpose) -> Result<Token, Error> {
        self.identity.token(purpose, self.http.context()).await
    }

    fn endpoint_in(&self, token: &Token) -> Result<Url, Error> {
        token
            .info
            .catalog
            .endpoint(IMAGE_SERVICE, &self.glance_interface, &self.id)
    }
}

// === impl Cloud ===

impl Cloud {
    /// The cloud of these regions.
    #[must_use]
    pub fn new(regions: impl IntoIterator<Item = Region>) -> Self {
        Self {
            regions: regions
                .into_iter()
                .map(|region| (region.id.clone(), region))
                .collect(),
        }
    }

    /// One region, when it is configured.
    #[must_use]
    pub fn region(&self, id: &RegionId) -> Option<&Region> {
        self.regions.get(id)
    }

    /// All regions, by id.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.values()
    }

    /// The same cloud, with requests that carry this context.
    #[must_use]
    pub fn with_context(&self, context: &RequestContext) -> Self {
        Self::new(self.regions().map(|region| region.with_context(context)))
    }
}
