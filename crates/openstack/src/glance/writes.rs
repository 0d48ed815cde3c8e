//! The calls that change metadata. They exist only behind a [`WriteGate`], so that none can be sent
//! past it.

use std::fmt;

use domain::ImageId;
use http::Method;

use super::{Glance, Image, NewImage, PatchOp, WriteGate};
use crate::Error;
use crate::http_client::Call;

/// One Glance with the permission to change it. The gate is asked right before each request goes out.
///
/// Every call fails with [`Error::Withheld`] when the gate refuses.
#[derive(Clone, Copy)]
pub struct Writes<'a> {
    pub(super) glance: &'a Glance,
    pub(super) gate: &'a dyn WriteGate,
}

impl Glance {
    /// The calls that change something, each sent only when `gate` permits it.
    #[must_use]
    pub const fn writes<'a>(&'a self, gate: &'a dyn WriteGate) -> Writes<'a> {
        Writes { glance: self, gate }
    }
}

impl fmt::Debug for Writes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writes").field(self.glance).finish()
    }
}

impl Writes<'_> {
    /// Makes an image without data, status `queued`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the id is in use *or ever was* (Glance never lets a deleted id be used
    /// again), [`Error::Forbidden`] when owner or visibility are not the token's to give,
    /// [`Error::TooLarge`] when the project may not have more images.
    pub async fn create(&self, new: &NewImage) -> Result<Image, Error> {
        let url = self.glance.at(&["v2", "images"])?;
        let document = new.document();
        self.glance
            .json_call(self.gate, || {
                Call::new(Method::POST, url.clone(), "creating an image")
                    .json(&document, "application/json")
            })
            .await?
            .json("the new image")
    }

    /// Changes an image's metadata, all or nothing.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for read-only attributes, [`Error::Conflict`] when a path to be replaced is
    /// not there.
    pub async fn patch(&self, id: ImageId, operations: &[PatchOp]) -> Result<Image, Error> {
        let url = self.glance.image(id)?;
        self.glance
            .json_call(self.gate, || {
                Call::new(Method::PATCH, url.clone(), "changing an image")
                    .json(&operations, "application/openstack-images-v2.1-json-patch")
            })
            .await?
            .json("the changed image")
    }

    /// Deletes an image; its id is spent for good.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is gone already or was never there, [`Error::Forbidden`] when it is
    /// protected.
    pub async fn delete(&self, id: ImageId) -> Result<(), Error> {
        let url = self.glance.image(id)?;
        self.glance
            .json_call(self.gate, || {
                Ok(Call::new(Method::DELETE, url.clone(), "deleting an image"))
            })
            .await?
            .success()
            .map(drop)
    }
}
