//! How far jobs have filled images that say they are their copies. Asked for by the gateway of the
//! images' region, whose callers see those images but not necessarily the jobs.
//!
//! Invariant: nothing is told of a job but to an image that the job itself names, in the region and
//! project that it copies to. What an image says of itself proves nothing.

use std::collections::HashMap;

use domain::{Destination, ImageId, JobId, JobStatus, JobView, RegionId, TenantId};
use proto::convert::parse;
use proto::v1;

use crate::status::CallError;
use crate::store::Store;

/// The most images of one question: those of a page.
const MOST_IMAGES: usize = 1000;
/// The most jobs that are read at once.
const READ_AT_ONCE: usize = 250;

/// An image that names a job.
struct Claim {
    image: ImageId,
    place: Destination,
    job: JobId,
}

/// The progress of those images whose jobs name them.
///
/// # Errors
/// [`CallError::Invalid`] for a malformed question, and when the store is out of reach.
pub(crate) async fn of(
    store: &dyn Store,
    request: v1::ShowImageProgressRequest,
) -> Result<Vec<v1::ImageProgress>, CallError> {
    let claims = claims(request)?;
    let mut views: HashMap<JobId, JobView> = HashMap::new();
    let jobs: Vec<JobId> = claims.iter().map(|claim| claim.job).collect();
    for jobs in jobs.chunks(READ_AT_ONCE) {
        let found = store.load_many(jobs).await?;
        let copies = found.iter().filter_map(|stored| stored.record.view());
        views.extend(copies.map(|view| (view.id, view)));
    }
    let told = claims.iter().filter_map(|claim| {
        let copy_progress = claim.progress_in(views.get(&claim.job)?)?;
        Some(v1::ImageProgress {
            image_id: claim.image.to_string(),
            copy_progress: copy_progress.into(),
        })
    });
    Ok(told.collect())
}

fn claims(request: v1::ShowImageProgressRequest) -> Result<Vec<Claim>, CallError> {
    if request.images.len() > MOST_IMAGES {
        return Err(CallError::Invalid("images: are more than 1000".to_owned()));
    }
    let region = RegionId::new(request.region_id);
    let claim = |image: v1::CopiedImage| {
        Ok(Claim {
            image: parse("images.image_id", &image.image_id)?,
            place: Destination {
                region: region.clone(),
                tenant: TenantId::new(image.tenant_id),
            },
            job: parse("images.job_id", &image.job_id)?,
        })
    };
    request.images.into_iter().map(claim).collect()
}

impl Claim {
    /// Percent, when the job is filling this very image.
    fn progress_in(&self, job: &JobView) -> Option<u8> {
        let is_filled = match job.status {
            JobStatus::Replicating => true,
            JobStatus::ReplicateRequested
            | JobStatus::Replicated
            | JobStatus::CancelRequested
            | JobStatus::Canceling
            | JobStatus::Canceled
            | JobStatus::Error => false,
        };
        let is_its_own =
            job.destination_image_id == Some(self.image) && job.spec.destination == self.place;
        (is_filled && is_its_own).then_some(job.copy_progress)
    }
}
