//! A test's turn on a test bed that it may break: one test at a time, everything running at its
//! beginning, nothing left at its end.

use std::time::Duration;

use anyhow::{Context, ensure};
use testbed::{Cloud, MadeImage, NewImage, Region, TestBed, eventually};
use tokio::sync::{Mutex, MutexGuard};

use crate::{Copies, Plans, Replicas};

/// Longer than any single step of a scenario takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A shared test bed for as long as it is this test's turn; alice copies from `ot1` to `proj-ot2` in `ot2`.
pub struct Turn {
    /// The test bed.
    pub bed: &'static TestBed,
    alice: Cloud,
    there: Cloud,
    tenant: String,
    _turn: MutexGuard<'static, ()>,
}

impl Turn {
    /// Waits for this test's turn; whatever a failed test before it left broken runs again.
    ///
    /// # Errors
    /// When a part cannot be started or Keystone refuses.
    pub async fn take(bed: &'static TestBed, turns: &'static Mutex<()>) -> anyhow::Result<Self> {
        let turn = turns.lock().await;
        for (part, pid) in bed.parts().await? {
            match pid {
                Some(_) => bed.thaw(part).await?,
                None => bed.start(part).await?,
            }
        }
        Ok(Self {
            bed,
            alice: bed.cloud("alice", Region::Ot1).await?,
            there: bed.cloud_in("alice", Region::Ot2, "proj-ot2").await?,
            tenant: bed.project_id(Region::Ot2, "proj-ot2")?,
            _turn: turn,
        })
    }

    /// The end of a test: the images at the destination that it names go, and nothing else may be left.
    ///
    /// # Errors
    /// Names what is left.
    pub async fn leave(self, images: &[String]) -> anyhow::Result<()> {
        for image in images {
            self.there.delete_image(image).await?;
        }
        self.bed.check_leftovers().await
    }

    /// The API, as alice calls it.
    #[must_use]
    pub fn copies(&self) -> Copies<'_> {
        Copies::of(&self.alice)
    }

    /// The plans of the project that is copied from, as alice writes them.
    #[must_use]
    pub fn plans(&self) -> Plans<'_> {
        Plans::of(&self.alice)
    }

    /// What is at the destination.
    #[must_use]
    pub fn replicas(&self) -> Replicas<'_> {
        Replicas::of(self.bed, &self.there)
    }

    /// Alice at the source.
    #[must_use]
    pub fn here(&self) -> &Cloud {
        &self.alice
    }

    /// The project that is copied to.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Alice at the destination.
    #[must_use]
    pub fn there(&self) -> &Cloud {
        &self.there
    }

    /// Makes a source image.
    ///
    /// # Errors
    /// When Glance refuses.
    pub async fn image(&self, name: &str, mebibytes: u64) -> anyhow::Result<MadeImage> {
        let image = NewImage::named(name, mebibytes);
        self.alice.make_image(&image).await
    }

    /// Asks for a copy of an image; it must be accepted.
    ///
    /// # Errors
    /// When the answer is not the documented 202.
    pub async fn start(&self, image: &MadeImage) -> anyhow::Result<String> {
        self.copies().start(&image.id, &self.tenant).await
    }

    /// Asks for a copy of an image, whatever comes of it.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn ask(&self, image: &MadeImage) -> anyhow::Result<crate::Answer> {
        self.copies().ask(&image.id, &self.tenant).await
    }

    /// Waits until the destination's Glance has an image whole, whatever the API says.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn until_active(&self, image: &str) -> anyhow::Result<()> {
        eventually(PATIENCE, format!("image {image} being whole"), || async {
            let image = self.there.image(image).await?.context("not there")?;
            ensure!(image["status"] == "active", "{image}");
            Ok(())
        })
        .await
    }

    /// Waits until an image at the destination is whole and shown to its owner: the last write of a copy.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn until_revealed(&self, image: &str) -> anyhow::Result<()> {
        eventually(PATIENCE, format!("image {image} being shown"), || async {
            let image = self.there.image(image).await?.context("not there")?;
            let shown = image["status"] == "active" && image["os_hidden"] == false;
            ensure!(shown, "{image}");
            Ok(())
        })
        .await
    }
}
