//! The real progress of images that copy jobs are filling: Glance only knows that they are not ready.

use std::collections::BTreeMap;

use domain::ImageId;
use openstack::{Image, ImageStatus};
use tokio::time::Instant;

use crate::app::App;
use crate::scheduler_client::CopiedImage;

/// The property in which a copy names its job.
const REPLICATED_BY_JOB: &str = "replicated_by_job";

/// Percent by image, of those that a job is filling. A scheduler out of reach knows of none: then what
/// Glance says has to do, as for any other image.
pub(super) async fn of(app: &App, images: &[Image], deadline: Instant) -> BTreeMap<ImageId, u8> {
    let copied: Vec<CopiedImage> = images.iter().filter_map(copied).collect();
    if copied.is_empty() {
        return BTreeMap::new();
    }
    let told = app
        .scheduler
        .image_progress(&app.region, &copied, deadline)
        .await;
    told.unwrap_or_else(|error| {
        tracing::warn!(%error, "the progress of copies could not be asked for");
        BTreeMap::new()
    })
}

/// What an image says of itself while its data is still to come. The scheduler tells what is true.
fn copied(image: &Image) -> Option<CopiedImage> {
    let is_filled = matches!(image.status, ImageStatus::Queued | ImageStatus::Saving);
    let job = image
        .properties
        .get(REPLICATED_BY_JOB)
        .filter(|_| is_filled)?;
    Some(CopiedImage {
        image: image.id,
        owner: image.owner.clone()?,
        job: job.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::sample;

    #[test]
    fn only_unfinished_images_that_name_a_job_are_asked_for() {
        let job = "33911588-c299-4369-a240-7e5b741cdb6a";
        for (status, named, asked) in [
            (ImageStatus::Saving, Some(job), true),
            (ImageStatus::Queued, Some(job), true),
            (ImageStatus::Active, Some(job), false),
            (ImageStatus::Saving, Some("nonsense"), false),
            (ImageStatus::Saving, None, false),
        ] {
            let mut image = sample::image();
            image.status = status;
            if let Some(named) = named {
                let property = (REPLICATED_BY_JOB.to_owned(), named.to_owned());
                image.properties.extend([property]);
            }
            assert_eq!(
                copied(&image).is_some(),
                asked,
                "{named:?} {}",
                image.status
            );
        }
    }
}
