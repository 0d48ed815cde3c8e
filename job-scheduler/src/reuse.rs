//! What a job that reuses an image and the plans that made it owe each other.
//!
//! A record that names the image in [`JobRecord::reused`] is one of its holders, and a plan removes only what it holds
//! alone; the store sees to that in one step with each commit. What remains is to be done here: not to reuse what a
//! plan has begun to remove before, and to make it last when the record goes.

use domain::{ErrorCode, Finish, ImageId, JobError, Outcome, PlanId};

use crate::job_record::JobRecord;
use crate::jobs::Jobs;
use crate::plan_lifecycle::forget;
use crate::store::StoreError;
use crate::store::plans::Holder;

/// How often a plan that others change meanwhile is asked to forget an image in one go.
const RACES: usize = 50;

/// What a finish means whose image a plan is removing: the next attempt finds another, or makes a copy. None when no
/// plan does, so that none will; for that the image must be held already.
///
/// # Errors
/// The store's.
pub async fn thwarted(jobs: &Jobs, finish: &Finish) -> Result<Option<Finish>, StoreError> {
    let Outcome::Reused { image } = finish.outcome else {
        return Ok(None);
    };
    let plans: Vec<PlanId> = plans_of(jobs, image).await?;
    let is_going = jobs.store.load_plans(&plans).await?.iter().any(|plan| {
        let mut points = plan.record.points.iter();
        points.any(|it| it.point.image_id == image && it.removing.is_some())
    });
    Ok(is_going.then(|| Finish {
        outcome: Outcome::Failed {
            error: JobError::new(
                ErrorCode::DestinationUnavailable,
                format!("the identical image {image} is just being removed by its plan"),
            ),
            transient: true,
        },
        ..finish.clone()
    }))
}

/// Makes plans that made an image forget it before the record goes by which it was held: then no rotation ever removes
/// it. The job's own plan knows already that the image is not its to remove, unless it is.
///
/// # Errors
/// The store's.
pub async fn let_go(jobs: &Jobs, record: &JobRecord) -> Result<(), StoreError> {
    let Some(image) = record.reused else {
        return Ok(());
    };
    for plan in plans_of(jobs, image).await? {
        if record.task.plan() != Some(plan) {
            make_forget(jobs, plan, image).await?;
        }
    }
    Ok(())
}

async fn make_forget(jobs: &Jobs, plan: PlanId, image: ImageId) -> Result<(), StoreError> {
    for _ in 0..RACES {
        let Some(stored) = jobs.store.load_plan(plan).await? else {
            return Ok(());
        };
        let Some(next) = forget(&stored.record, image) else {
            return Ok(());
        };
        match jobs.store.commit_plan(&stored, &next).await {
            Ok(_) => {
                tracing::info!(plan.id = %plan, image.id = %image,
                    "a plan forgets a replica that was given to somebody else, too");
                return Ok(());
            }
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict)
}

async fn plans_of(jobs: &Jobs, image: ImageId) -> Result<Vec<PlanId>, StoreError> {
    let holders = jobs.store.holders(image).await?.into_iter();
    Ok(holders.filter_map(Holder::plan).collect())
}
