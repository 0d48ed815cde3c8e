//! Images: made of seeded random bytes, looked at, changed, downloaded and removed.

use anyhow::Context;
use futures::TryStreamExt;
use reqwest::{Body, Method};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha512};

use super::{Cloud, send, send_if_there};
use crate::random_bytes::{RandomBytes, hex};

/// An image to be made.
#[derive(Debug, Clone)]
pub struct NewImage {
    /// The create request's body: name, formats, tags, custom properties and all else.
    pub attributes: Map<String, Value>,
    /// Size in bytes.
    pub size: u64,
    /// Seed of its bytes.
    pub seed: u64,
}

/// An image that was made.
#[derive(Debug, Clone)]
pub struct MadeImage {
    /// Its id.
    pub id: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-512 of what was sent, computed here.
    pub sha512: String,
}

impl NewImage {
    /// A raw image of `mebibytes` MiB with random bytes of their own.
    #[must_use]
    pub fn named(name: &str, mebibytes: u64) -> Self {
        let attributes = [
            ("name", json!(name)),
            ("disk_format", json!("raw")),
            ("container_format", json!("bare")),
        ];
        Self {
            attributes: attributes
                .map(|(key, value)| (key.to_owned(), value))
                .into_iter()
                .collect(),
            size: mebibytes * 1024 * 1024,
            seed: rand::random(),
        }
    }

    /// With one more attribute or custom property, or another value for one; `null` leaves it out.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => self.attributes.remove(key),
            value => self.attributes.insert(key.to_owned(), value),
        };
        self
    }
}

impl Cloud {
    /// Makes an image and uploads its bytes, with their length announced.
    ///
    /// # Errors
    /// When Glance refuses the image or its bytes.
    pub async fn make_image(&self, image: &NewImage) -> anyhow::Result<MadeImage> {
        let id = self.create_image(&image.attributes).await?;
        let bytes = RandomBytes::new(image.seed, image.size);
        let again = RandomBytes::new(image.seed, image.size);
        let hash = tokio::task::spawn_blocking(move || again.sha512());
        let upload = self
            .glance(Method::PUT, &format!("/v2/images/{id}/file"))
            .header("content-type", "application/octet-stream")
            .header("content-length", image.size)
            .body(Body::wrap_stream(bytes.into_stream()));
        send(upload).await?;
        Ok(MadeImage {
            id,
            size: image.size,
            sha512: hash.await?,
        })
    }

    /// Creates an image without bytes, which Glance calls `queued`, and returns its id.
    ///
    /// # Errors
    /// When Glance refuses.
    pub async fn create_image(&self, attributes: &Map<String, Value>) -> anyhow::Result<String> {
        let answer = send(self.glance(Method::POST, "/v2/images").json(attributes)).await?;
        let image: Value = answer.json().await?;
        let id = image["id"].as_str().context("an image without id")?;
        Ok(id.to_owned())
    }

    /// The image as Glance shows it to this user, or `None`.
    ///
    /// # Errors
    /// When Glance answers with anything but the image or 404.
    pub async fn image(&self, id: &str) -> anyhow::Result<Option<Value>> {
        let request = self.glance(Method::GET, &format!("/v2/images/{id}"));
        match send_if_there(request).await? {
            Some(answer) => Ok(Some(answer.json().await?)),
            None => Ok(None),
        }
    }

    /// Every image that this user may list, hidden ones too. An administrator lists all projects' images.
    ///
    /// # Errors
    /// When Glance refuses.
    pub async fn images(&self) -> anyhow::Result<Vec<Value>> {
        let mut images = Vec::new();
        for hidden in [false, true] {
            let mut next = Some(format!("/v2/images?limit=500&os_hidden={hidden}"));
            while let Some(path) = next {
                let mut page: Value = send(self.glance(Method::GET, &path)).await?.json().await?;
                if let Value::Array(found) = page["images"].take() {
                    images.extend(found);
                }
                next = page["next"].as_str().map(str::to_owned);
            }
        }
        Ok(images)
    }

    /// Changes an image by a JSON patch (RFC 6902, Glance's media type).
    ///
    /// # Errors
    /// When Glance refuses.
    pub async fn patch_image(&self, id: &str, operations: &Value) -> anyhow::Result<()> {
        let request = self
            .glance(Method::PATCH, &format!("/v2/images/{id}"))
            .header(
                "content-type",
                "application/openstack-images-v2.1-json-patch",
            )
            .body(operations.to_string());
        send(request).await.map(drop)
    }

    /// Removes an image; one that is gone already is no error.
    ///
    /// # Errors
    /// When Glance refuses, for example because the image is protected.
    pub async fn delete_image(&self, id: &str) -> anyhow::Result<()> {
        let request = self.glance(Method::DELETE, &format!("/v2/images/{id}"));
        send_if_there(request).await.map(drop)
    }

    /// Downloads an image and returns the SHA-512 of what came, in lower-case hex.
    ///
    /// # Errors
    /// When Glance refuses or the download breaks.
    pub async fn sha512_of(&self, id: &str) -> anyhow::Result<String> {
        let request = self.glance(Method::GET, &format!("/v2/images/{id}/file"));
        let mut pieces = send(request).await?.bytes_stream();
        let mut hash = Sha512::new();
        while let Some(piece) = pieces.try_next().await? {
            hash.update(&piece);
        }
        Ok(hex(&hash.finalize()))
    }
}
