//! Images whose job nobody knows: a worker looks for them and removes them, as errands of the region.
//!
//! Whether somebody knows an image is asked here, and only here: its job's record, readable or not, or a plan that keeps
//! it. A worker asks with its lease, in a search for each image that reproduces its id, and again right before it deletes
//! one. An operator names an image by the search that found it, so nothing else can be removed this way.

use std::time::Duration;

use domain::{ImageId, JobId, LeaseToken, OrphanRemoval, OrphanSearch, RegionId};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;

use super::audit::Operator;
use super::drain::refuse_drained;
use crate::intake::create_for_operator;
use crate::job_record::Act;
use crate::jobs::Jobs;
use crate::status::CallError;
use crate::store::{StoreError, Stored};
use crate::task::{ErrandResult, Task};

/// Images that one call asks about.
const MOST_IMAGES: usize = 1_000;
/// Of those, the ones that the store is asked about at once.
const AT_ONCE: usize = 16;

/// What of an orphan is to be removed, too, that otherwise stays.
#[derive(Debug, Clone, Copy)]
pub(super) struct EvenIf {
    pub(super) whole: bool,
    pub(super) protected: bool,
}

/// Begins a search.
///
/// # Errors
/// [`CallError`]: a region that is not configured or drained, an age that no image has, the store.
pub(super) async fn find(
    jobs: &Jobs,
    operator: &Operator,
    errand: JobId,
    region: RegionId,
    older_than: Duration,
) -> Result<Stored, CallError> {
    refuse_drained(jobs, &region).await?;
    let made_before = SignedDuration::try_from(older_than)
        .ok()
        .and_then(|age| jobs.now().checked_sub(age).ok())
        .ok_or_else(|| CallError::Invalid("older_than_ms: is longer than time".to_owned()))?;
    let search = Task::FindOrphans(OrphanSearch {
        region,
        made_before,
    });
    let act = operator.act("orphans", jobs.now());
    begun(jobs, errand, search, act).await
}

/// Begins the removal of an image that a search has found.
///
/// # Errors
/// [`CallError`]: no such search or image, a region that is drained, the store.
pub(super) async fn remove(
    jobs: &Jobs,
    operator: &Operator,
    errand: JobId,
    (search, image): (JobId, ImageId),
    even_if: EvenIf,
) -> Result<Stored, CallError> {
    let search = jobs.store.load(search).await?.ok_or(CallError::NotFound)?;
    let (Task::FindOrphans(of), Some(ErrandResult::OrphansFound(found))) =
        (&search.record.task, &search.record.errand_result)
    else {
        let why = "search_id: is no search for orphans that has ended";
        return Err(CallError::Invalid(why.to_owned()));
    };
    let orphan = found.orphans.iter().find(|orphan| orphan.image == image);
    let orphan = orphan.ok_or_else(|| {
        CallError::Invalid("image_id: is no orphan that this search has found".to_owned())
    })?;
    refuse_drained(jobs, &of.region).await?;
    let removal = Task::RemoveOrphan(OrphanRemoval {
        region: of.region.clone(),
        image,
        tenant: orphan.tenant.clone(),
        job: orphan.job,
        made_before: of.made_before,
        even_if_whole: even_if.whole,
        even_if_protected: even_if.protected,
    });
    let act = operator.act("orphans --remove", jobs.now());
    begun(jobs, errand, removal, act).await
}

/// The errand that stands: this one, or the one that an earlier call with its id has begun.
async fn begun(jobs: &Jobs, id: JobId, task: Task, act: Act) -> Result<Stored, CallError> {
    let kind = task.kind();
    let (stored, _) = create_for_operator(jobs, id, task, act).await?;
    if stored.record.task.kind() != kind {
        return Err(CallError::Invalid("errand_id: is taken".to_owned()));
    }
    Ok(stored)
}

/// Of images with the jobs that they name, those that nobody knows. `errand` asks, under `lease`.
///
/// # Errors
/// [`CallError`]: too many, a lease that is not the current one of such an errand, the store.
pub(crate) async fn unknown_images(
    jobs: &Jobs,
    errand: JobId,
    lease: LeaseToken,
    images: Vec<(ImageId, JobId)>,
) -> Result<Vec<ImageId>, CallError> {
    if images.len() > MOST_IMAGES {
        let why = format!("images: must be at most {MOST_IMAGES}");
        return Err(CallError::Invalid(why));
    }
    let asking = jobs.store.load(errand).await?;
    let asking = asking.ok_or(CallError::NotTheLease)?.record;
    let is_its = asking.lease.as_ref().is_some_and(|it| it.token == lease);
    if !is_its || !matches!(asking.task, Task::FindOrphans(_) | Task::RemoveOrphan(_)) {
        return Err(CallError::NotTheLease);
    }
    let unknown = stream::iter(images)
        .map(|(image, job)| async move {
            let is_known = is_known(jobs, image, job).await?;
            Ok::<_, StoreError>((!is_known).then_some(image))
        })
        .buffered(AT_ONCE)
        .try_filter_map(|image| std::future::ready(Ok(image)));
    Ok(unknown.try_collect().await?)
}

async fn is_known(jobs: &Jobs, image: ImageId, job: JobId) -> Result<bool, StoreError> {
    match jobs.store.load(job).await {
        Ok(None) => Ok(!jobs.store.holders(image).await?.is_empty()),
        // Whoever can read it knows it.
        Ok(Some(_)) | Err(StoreError::Unreadable { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
