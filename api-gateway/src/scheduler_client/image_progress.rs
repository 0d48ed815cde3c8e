//! How far jobs have filled images that say they are their copies.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{ImageId, JobId, RegionId, TenantId};
use proto::convert::{InvalidField, parse};
use proto::v1;
use tokio::time::Instant;

use super::{SchedulerClient, SchedulerError};

/// How long an answer may wait for what only adorns it.
const PATIENCE: Duration = Duration::from_secs(2);

/// An image that names the job that is filling it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopiedImage {
    /// The image.
    pub image: ImageId,
    /// Its owner.
    pub owner: TenantId,
    /// The job that it names.
    pub job: JobId,
}

impl SchedulerClient {
    /// The progress, in percent, of those images of `region` that a job is filling; asked for once.
    ///
    /// # Errors
    /// When the scheduler does not answer soon.
    pub(crate) async fn image_progress(
        &self,
        region: &RegionId,
        images: &[CopiedImage],
        deadline: Instant,
    ) -> Result<BTreeMap<ImageId, u8>, SchedulerError> {
        let images = images.iter().map(|copied| v1::CopiedImage {
            image_id: copied.image.to_string(),
            tenant_id: copied.owner.to_string(),
            job_id: copied.job.to_string(),
        });
        let request = v1::ShowImageProgressRequest {
            region_id: region.to_string(),
            images: images.collect(),
        };
        let deadline = deadline.min(Instant::now() + PATIENCE);
        let answer = self
            .once(
                &self.rpc,
                deadline,
                async |mut rpc, request| rpc.show_image_progress(request).await,
                request,
            )
            .await?;
        let told = answer.images.into_iter().map(|told| {
            let percent = u8::try_from(told.copy_progress)
                .map_err(|error| InvalidField::new("images.copy_progress", error))?;
            Ok((parse("images.image_id", &told.image_id)?, percent))
        });
        told.collect()
    }
}
