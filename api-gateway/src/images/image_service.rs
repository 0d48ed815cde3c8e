//! This region's Glance, as callers may use it through the compute API.

use openstack::{Error, Glance, Region, RequestContext};
use secrecy::SecretString;

use crate::fault::Fault;

/// The region's Glance.
#[derive(Debug)]
pub(crate) struct ImageService {
    region: Region,
}

impl ImageService {
    /// The Glance of `region`.
    #[must_use]
    pub(crate) fn new(region: Region) -> Self {
        Self { region }
    }

    /// Glance with a caller's own token.
    ///
    /// # Errors
    /// A fault when its address cannot be found out.
    pub(crate) async fn with_token(
        &self,
        token: SecretString,
        context: &RequestContext,
    ) -> Result<Glance, Fault> {
        let region = self.region.with_context(context);
        let glance = region.glance_for_caller(token).await;
        glance.map_err(|error| Fault::of_image_service(&error))
    }

    /// Where callers find it themselves, without a slash at the end. The address that `glance` is called
    /// at, when the catalog has none for the public or cannot be asked.
    pub(super) async fn public_address(&self, glance: &Glance, context: &RequestContext) -> String {
        let region = self.region.with_context(context);
        let public = region.public_glance_url().await;
        let url = public.as_ref().unwrap_or_else(|_| glance.url());
        url.as_str().trim_end_matches('/').to_owned()
    }
}

/// Asks Glance with a caller's token that Keystone has just called valid. Glance refuses such a token
/// when it could not ask Keystone itself, so it is asked twice before that is believed.
///
/// # Errors
/// Glance's refusal or failure.
pub(crate) async fn asked<T, F>(call: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    match call().await {
        Err(Error::Unauthorized(_)) => call().await,
        answer => answer,
    }
}
