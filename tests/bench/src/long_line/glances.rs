//! Two real Glances without our services: the engine in this process is all that moves bytes.

use testbed::{Cloud, GlanceOptions, NewImage, Region, TestBed};

use crate::plan::MIB;

/// A cloud of two regions, and a user who may read in one and write in the other.
pub(crate) struct Glances {
    bed: TestBed,
    pub(crate) source: Cloud,
    pub(crate) destination: Cloud,
}

impl Glances {
    /// Starts them.
    ///
    /// # Errors
    /// When a part can't be started.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let mut builder = TestBed::builder().without_services();
        for region in Region::ALL {
            let options = GlanceOptions {
                processes: 2,
                ..GlanceOptions::default()
            };
            builder = builder.glance(region, options);
        }
        let bed = builder.start().await?;
        Ok(Self {
            source: bed.cloud("alice", Region::Ot1).await?,
            destination: bed.cloud("alice", Region::Ot2).await?,
            bed,
        })
    }

    /// The id of a new image of random bytes in the source region.
    ///
    /// # Errors
    /// When Glance refuses it.
    pub(crate) async fn make(&self, size: u64) -> anyhow::Result<String> {
        let image = NewImage::named("far away", size / MIB);
        Ok(self.source.make_image(&image).await?.id)
    }

    /// Ends them.
    ///
    /// # Errors
    /// When a process survives.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.bed.end().await
    }
}
