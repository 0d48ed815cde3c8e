//! With whom a shared image is shared.

use domain::{ImageId, TenantId};
use http::Method;
use serde::Deserialize;

use super::{Glance, Ungated};
use crate::Error;
use crate::http_client::Call;

/// A project that an image was offered to (Image API v2, "Shared images").
#[derive(Deserialize)]
struct Member {
    status: String,
}

impl Glance {
    /// Whether the image is shared with a project, and that project has accepted it: then it is in the
    /// project's lists. Only an administrator's token may ask for any project.
    ///
    /// # Errors
    /// Any failed call but [`Error::NotFound`], which is the answer no.
    pub async fn is_shared_with(&self, id: ImageId, tenant: &TenantId) -> Result<bool, Error> {
        let url = self.at(&["v2", "images", &id.to_string(), "members", tenant.as_str()])?;
        let answer = self
            .json_call(&Ungated, || {
                Ok(Call::new(
                    Method::GET,
                    url.clone(),
                    "looking up whom an image is shared with",
                ))
            })
            .await?;
        match answer.json::<Member>("the image's member") {
            Ok(member) => Ok(member.status == "accepted"),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
