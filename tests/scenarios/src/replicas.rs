//! Images at the destination as they really are: in Glance's answers and in its store's directory.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use serde_json::Value;
use testbed::{Cloud, MadeImage, StoreFile, TestBed};
use uuid::Uuid;

/// The id of the image that attempt `attempt` (counted from 1) of a job makes: a UUIDv5 of both.
///
/// # Errors
/// When `job` is no UUID.
pub fn image_of_attempt(job: &str, attempt: u32) -> anyhow::Result<String> {
    let name = format!("attempt-{attempt}");
    Ok(Uuid::new_v5(&job.parse()?, name.as_bytes()).to_string())
}

/// The destination tenant's view of what copies have made.
#[derive(Clone, Copy)]
pub struct Replicas<'a> {
    bed: &'a TestBed,
    owner: &'a Cloud,
}

impl<'a> Replicas<'a> {
    /// Images that belong to the project of `owner`, a user of the destination.
    #[must_use]
    pub fn of(bed: &'a TestBed, owner: &'a Cloud) -> Self {
        Self { bed, owner }
    }

    /// Checks that a replicated job's image is all that was promised; returns the image's id.
    ///
    /// # Errors
    /// The job is not replicated, or its image is not active, hidden, another's or not the source's bytes.
    pub async fn expect_whole(
        &self,
        document: &Value,
        source: &MadeImage,
    ) -> anyhow::Result<String> {
        ensure!(
            document["status"] == "replicated",
            "not replicated: {document}"
        );
        let id = document["destination_image_id"].as_str();
        let id = id.with_context(|| format!("no image: {document}"))?;
        let image = self.owner.image(id).await?;
        let image =
            image.with_context(|| format!("Glance does not know the image of {document}"))?;
        ensure!(
            image["status"] == "active"
                && image["os_hidden"] == false
                && image["owner"] == self.owner.project_id.as_str()
                && image["os_hash_value"] == source.sha512.as_str(),
            "not a copy of {source:?}: {image}"
        );
        let file = self.file(id)?;
        let size = file.map(|file| file.size);
        ensure!(
            size == Some(source.size),
            "{size:?} bytes in the store of {image}"
        );
        Ok(id.to_owned())
    }

    /// Checks that nothing of an image is there: neither in Glance's answers nor in its store.
    ///
    /// # Errors
    /// Tells what is there.
    pub async fn expect_gone(&self, id: &str) -> anyhow::Result<()> {
        let image = self.owner.image(id).await?;
        ensure!(image.is_none(), "image {id} is there: {image:?}");
        let file = self.file(id)?;
        ensure!(file.is_none(), "image {id} is gone and left {file:?}");
        Ok(())
    }

    /// Ids of all images of the project.
    ///
    /// # Errors
    /// When Glance refuses.
    pub async fn owned(&self) -> anyhow::Result<BTreeSet<String>> {
        let images = self.owner.images().await?;
        let own = images
            .iter()
            .filter(|image| image["owner"] == self.owner.project_id.as_str());
        Ok(own
            .filter_map(|image| image["id"].as_str().map(str::to_owned))
            .collect())
    }

    /// Ids of all images that say that `job` has made them.
    ///
    /// # Errors
    /// When Glance refuses.
    pub async fn made_by(&self, job: &str) -> anyhow::Result<Vec<String>> {
        let images = self.owner.images().await?;
        let made = images
            .iter()
            .filter(|image| image["replicated_by_job"] == job);
        Ok(made
            .filter_map(|image| image["id"].as_str().map(str::to_owned))
            .collect())
    }

    /// The image's file in the store.
    ///
    /// # Errors
    /// When the store cannot be looked into.
    pub fn file(&self, id: &str) -> anyhow::Result<Option<StoreFile>> {
        let files = self.bed.store_files(self.owner.region)?;
        Ok(files.into_iter().find(|file| file.image_id() == id))
    }
}
