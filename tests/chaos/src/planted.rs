//! Real leftovers, put on a test bed whose run has ended well: that the look around sees them is what its silence is
//! worth. The checker's own tests plant in the evidence; here it is Glance, the store, Redis and the broker.

use anyhow::{Context, ensure};
use testbed::{NewImage, Region};

use crate::checker::{Violation, check};
use crate::evidence::{self, Evidence};
use crate::stage::Stage;

/// Plants one of each, looks around again, and fails when one of them is not reported. No worker may run any more.
///
/// # Errors
/// Says what was not noticed.
pub(crate) async fn find(stage: &Stage, before: &Evidence, known: Evidence) -> anyhow::Result<()> {
    let bed = &stage.bed;
    let admin = bed.cloud("admin", Region::Ot2).await?;
    let orphan = NewImage::named("a planted orphan", 0);
    let orphan = admin.create_image(&orphan.attributes).await?;

    let replica = before.files.iter().find(|file| {
        file.region == Region::Ot2 && file.size > 0 && !before.sources.contains_key(&file.image)
    });
    let replica = replica.context("nothing was copied")?.image.clone();
    let files = bed.store_files(Region::Ot2)?;
    let stored = files.iter().find(|file| file.image_id() == replica);
    let stored = &stored.context("the replica has no file")?.path;
    let mut bytes = std::fs::read(stored)?;
    bytes[0] ^= 1;
    std::fs::write(stored, bytes)?;
    std::fs::write(stored.with_file_name("a-planted-file"), "bytes")?;

    let mut redis = bed.redis().await?;
    let lease: Result<(), _> = redis::cmd("ZADD")
        .arg("image-replicator:leases")
        .arg(1)
        .arg("a planted lease")
        .query_async(&mut redis)
        .await;
    lease?;

    let found = check(&evidence::collect(bed, known, true).await?);
    let reported = |what: &str, is: &dyn Fn(&Violation) -> bool| {
        ensure!(found.iter().any(is), "{what} was not noticed: {found:?}");
        Ok(())
    };
    reported(
        "an image",
        &|one| matches!(one, Violation::Orphan { image, .. } if *image == orphan),
    )?;
    reported(
        "a file",
        &|one| matches!(one, Violation::OrphanFile { image, .. } if image == "a-planted-file"),
    )?;
    reported(
        "a flipped bit",
        &|one| matches!(one, Violation::NotWhole { what, .. } if what.contains(&replica)),
    )?;
    reported(
        "a lease",
        &|one| matches!(one, Violation::Redis { key, .. } if key == "image-replicator:leases"),
    )
}
