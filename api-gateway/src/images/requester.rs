//! Who asks the compute API for images, of which project, and with what eyes.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use domain::ImageId;
use http::request::Parts;
use openstack::{Glance, Image};
use tokio::time::Instant;

use super::image_service::asked;
use super::links::Links;
use crate::app::App;
use crate::auth::Caller;
use crate::fault::Fault;
use crate::links::BaseUrl;
use crate::scope::Scope;

/// A caller whose token is for the project that the path names.
pub(super) struct Requester {
    /// This region's Glance, as the caller sees it.
    pub glance: Glance,
    /// How the answer names things.
    pub links: Links,
    /// When the answer is due.
    pub deadline: Instant,
}

/// The image that the path names. What is no UUID is no image.
#[derive(Debug, Clone, Copy)]
pub(super) struct ImagePath(pub ImageId);

/// The key that the path names.
#[derive(Debug, Clone)]
pub(super) struct KeyPath(pub String);

impl FromRequestParts<Arc<App>> for Requester {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let scope = Scope::from_request_parts(parts, app).await?;
        let named = path_parameter(parts, "project_id")
            .await
            .unwrap_or_default();
        let own = caller.project.as_str();
        if named != own {
            // Nova's words, as documented.
            return Err(Fault::BadRequest(format!(
                "Malformed request URL: URL's project_id '{named}' doesn't match Context's \
                 project_id '{own}'"
            )));
        }
        let matched = MatchedPath::from_request_parts(parts, app).await;
        let is_newer = matched.is_ok_and(|path| path.as_str().starts_with("/v2.1/"));
        let base = BaseUrl::of(parts)?;
        let (images, context) = (&app.image_service, scope.onward());
        let finding = async {
            let glance = images.with_token(caller.token.clone(), &context).await?;
            let address = images.public_address(&glance, &context).await;
            Ok((glance, address))
        };
        let what = "Finding the image service";
        let (glance, address) = Scope::within(scope.deadline(), what, finding).await?;
        Ok(Self {
            glance,
            links: Links {
                base,
                version: if is_newer { "v2.1" } else { "v2" },
                tenant: caller.project,
                glance: address,
            },
            deadline: scope.deadline(),
        })
    }
}

impl Requester {
    /// An image, if the caller may see it.
    ///
    /// # Errors
    /// 404 when it does not exist for the caller.
    pub(super) async fn image(&self, id: ImageId) -> Result<Image, Fault> {
        let showing = async {
            let shown = asked(|| self.glance.show(id)).await;
            shown.map_err(|error| Fault::of_image_service(&error))
        };
        Scope::within(self.deadline, "Asking for the image", showing).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ImagePath {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let named = path_parameter(parts, "image_id").await;
        named
            .and_then(|id| id.parse().ok())
            .map(Self)
            .ok_or_else(Fault::no_such_image)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for KeyPath {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let named = path_parameter(parts, "key").await;
        named.map(Self).ok_or_else(Fault::no_such_metadata)
    }
}

/// A parameter of the path, decoded; none when the path is no UTF-8.
async fn path_parameter(parts: &mut Parts, name: &str) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    let found = params.iter().find(|(key, _)| *key == name);
    found.map(|(_, value)| value.to_owned())
}
