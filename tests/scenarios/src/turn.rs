//! A test's turn on a stage: everything runs at its beginning, and nothing is left at its end.

mod crew;
mod logs;

use anyhow::{Context, ensure};
use testbed::{Cloud, MadeImage, NewImage, Region, TestBed, eventually};
use tokio::sync::OnceCell;

use crate::stage::{Held, LastTurn};
use crate::{Copies, Hold, PATIENCE, Plans, Replicas};

/// A stage's test bed for as long as it is this test's turn; alice copies from `ot1` to `proj-ot2` in `ot2`.
pub struct Turn {
    /// The test bed.
    pub bed: &'static TestBed,
    alice: Cloud,
    there: Cloud,
    tenant: String,
    large: &'static OnceCell<MadeImage>,
    held: Held,
}

impl Turn {
    pub(crate) async fn begin(
        bed: &'static TestBed,
        large: &'static OnceCell<MadeImage>,
        held: Held,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            bed,
            alice: bed.cloud("alice", Region::Ot1).await?,
            there: bed.cloud_in("alice", Region::Ot2, "proj-ot2").await?,
            tenant: bed.project_id(Region::Ot2, "proj-ot2")?,
            large,
            held,
        })
    }

    /// The end of a test: the images at the destination that it names go, and nothing else may be left.
    ///
    /// # Errors
    /// Names what is left.
    pub async fn leave(mut self, images: &[String]) -> anyhow::Result<()> {
        for image in images {
            self.there.delete_image(image).await?;
        }
        self.bed.check_leftovers().await?;
        *self.held.last = LastTurn::Left;
        Ok(())
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

    /// A source image whose copy can be held; the same for all tests.
    ///
    /// # Errors
    /// When Glance refuses.
    pub async fn large_image(&self) -> anyhow::Result<&'static MadeImage> {
        let make = || self.image("large", Hold::MEBIBYTES);
        self.large.get_or_try_init(make).await
    }

    /// Starts a copy of the large image, which stands still in the middle until it is let go.
    ///
    /// # Errors
    /// When it ends, or takes too long.
    pub async fn hold_a_copy(&self) -> anyhow::Result<(Hold<'static>, String)> {
        let image = self.large_image().await?;
        let hold = Hold::on(self.bed)?;
        let job = self.start(image).await?;
        let held = hold.until_held(&self.copies(), &job).await?;
        ensure!(held["attempt"] == 1, "{held}");
        Ok((hold, job))
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
