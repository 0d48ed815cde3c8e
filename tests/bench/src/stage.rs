//! The test bed of a run: two Glances on tmpfs, our services as they are released and as they are configured by
//! default, and a user who may do the same by hand.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use scenarios::Copies;
use serde_json::Value;
use testbed::{Cloud, GlanceOptions, NewImage, Part, Region, TestBed};

use crate::plan::MIB;
use crate::{process, ways};

/// Copies that the worker makes at once. Its default is 4; a row needs 8 of one worker.
const COPIES: usize = 8;

/// Who makes the copies.
pub(crate) const WORKER: Part = Part::Worker(Region::Ot2, 1);

/// A run takes longer than the tokens of an ordinary test bed live.
const TOKENS: Duration = Duration::from_secs(6 * 3600);

/// The test bed, and what of it is looked at.
pub(crate) struct Stage {
    pub(crate) bed: TestBed,
    /// Who has the image.
    pub(crate) source: Cloud,
    /// The same user where the copy goes.
    pub(crate) destination: Cloud,
    /// The same user in the destination's region with a token of the source's project, as Glance's own import needs.
    pub(crate) importer: Cloud,
    /// Process ids.
    pub(crate) worker: u32,
    pub(crate) control: Vec<u32>,
    pub(crate) source_glance: u32,
    pub(crate) destination_glance: u32,
    /// Memory that the worker has resident when it has made a small copy and waits, in bytes.
    pub(crate) idle: u64,
}

/// An image in the source region and the file that holds its bytes.
pub(crate) struct SourceImage {
    pub(crate) id: String,
    pub(crate) size: u64,
    /// The source Glance's own file, on tmpfs: to be read and nothing else.
    pub(crate) file: PathBuf,
}

impl Stage {
    /// Starts the test bed and warms everything up with a small copy.
    ///
    /// # Errors
    /// When a part can't be started or the copy fails.
    pub(crate) async fn set() -> anyhow::Result<Self> {
        let mut builder = TestBed::builder()
            .release()
            .token_expiration(TOKENS)
            .config(&format!("[worker]\ncopies = {COPIES}\n"));
        for region in Region::ALL {
            let glance = GlanceOptions {
                processes: 2,
                ..GlanceOptions::default()
            };
            builder = builder.glance(region, glance);
        }
        let bed = builder.start().await?;
        let parts = bed.parts().await?;
        let pid = |part: Part| {
            let found = parts.iter().find(|(one, _)| *one == part);
            let pid = found.and_then(|(_, pid)| *pid);
            pid.with_context(|| format!("{part} does not run"))
        };
        let mut stage = Self {
            source: bed.cloud("alice", Region::Ot1).await?,
            destination: bed.cloud("alice", Region::Ot2).await?,
            importer: bed.cloud_in("alice", Region::Ot2, "proj-ot1").await?,
            worker: pid(WORKER)?,
            control: vec![
                pid(Part::Gateway(Region::Ot1))?,
                pid(Part::Scheduler(1))?,
                pid(Part::Balancer)?,
            ],
            source_glance: pid(Part::Glance(Region::Ot1))?,
            destination_glance: pid(Part::Glance(Region::Ot2))?,
            idle: 0,
            bed,
        };
        let small = stage.make(MIB).await?;
        let replica = ways::job::copy(&stage, &small).await?;
        stage.remove_replica(&replica).await?;
        stage.remove(small).await?;
        stage.idle = process::resident(stage.worker).context("the worker has ended")?;
        Ok(stage)
    }

    /// The image copy API of the source region.
    pub(crate) fn copies(&self) -> Copies<'_> {
        Copies::of(&self.source)
    }

    /// An image of random bytes in the source region.
    ///
    /// # Errors
    /// When Glance refuses it.
    pub(crate) async fn make(&self, size: u64) -> anyhow::Result<SourceImage> {
        let image = NewImage::named("to be copied", size / MIB);
        let made = self.source.make_image(&image).await?;
        let files = self.bed.store_files(Region::Ot1)?;
        let file = files.into_iter().find(|file| file.image_id() == made.id);
        let file = file.with_context(|| format!("image {} has no file", made.id))?;
        ensure!(file.size == size, "{file:?} is not of {size} bytes");
        Ok(SourceImage {
            id: made.id,
            size,
            file: file.path,
        })
    }

    /// Removes such an image.
    ///
    /// # Errors
    /// When Glance refuses.
    pub(crate) async fn remove(&self, image: SourceImage) -> anyhow::Result<()> {
        self.source.delete_image(&image.id).await
    }

    /// What was made in the destination region, as its owner sees it: the destination's project, or the source's.
    ///
    /// # Errors
    /// When Glance answers with anything but the image or 404.
    pub(crate) async fn replica(&self, id: &str) -> anyhow::Result<Value> {
        let seen = match self.destination.image(id).await? {
            Some(seen) => Some(seen),
            None => self.importer.image(id).await?,
        };
        Ok(seen.unwrap_or_default())
    }

    /// Removes what was made in the destination region, so that the next measurement finds the memory free.
    ///
    /// # Errors
    /// When Glance refuses.
    pub(crate) async fn remove_replica(&self, id: &str) -> anyhow::Result<()> {
        self.destination.delete_image(id).await?;
        self.importer.delete_image(id).await?;
        let files = self.bed.store_files(Region::Ot2)?;
        ensure!(
            !files.iter().any(|file| file.image_id() == id),
            "image {id} has left its file behind"
        );
        Ok(())
    }

    /// Ends the test bed.
    ///
    /// # Errors
    /// When a process survives.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.bed.end().await
    }
}
