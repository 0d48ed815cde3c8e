//! A plan's fire: finds the images of one action, and says of each whether it is to be copied, to what
//! specification, or why not.
//!
//! What it finds is what the source tenant sees now, with the service user's token for that tenant. An id means that
//! image, if the tenant may have it; a name the newest active image of that name, and a tag every active one that has it,
//! of those that Glance lists for the tenant: its own, public ones, and those shared with it that it has accepted.
//! Hidden images and other tenants' community images are in no such list. It changes nothing, so it may be left at any
//! moment and be done again.

mod find;
mod replicas;
#[cfg(test)]
mod tests;

use admission::{AdmittedFire, Declined};
use copy_engine::Failure;
use domain::{IfIdentical, PlanFire, ResolvedImage};
use futures::{StreamExt, TryStreamExt, stream};
use openstack::{Image, RequestContext};

use self::replicas::Replicas;

use super::{ErrandEnd, request_context};
use crate::attempt::Attempt;
use crate::workshop::Workshop;

/// Images that are looked at at once.
const AT_ONCE: usize = 8;

/// Does the errand.
pub(crate) async fn resolve(workshop: &Workshop, attempt: &Attempt, fire: &PlanFire) -> ErrandEnd {
    match resolved(workshop, fire, &request_context(attempt)).await {
        Ok(images) => ErrandEnd::Resolved(images),
        Err(failure) => ErrandEnd::Failed(failure),
    }
}

/// One verdict for each image; a single refusal when the whole action may not be done, or nothing is found.
async fn resolved(
    workshop: &Workshop,
    fire: &PlanFire,
    context: &RequestContext,
) -> Result<Vec<ResolvedImage>, Failure> {
    let admission = workshop.admission(&fire.source_region)?;
    let admitted = match admission.admit_fire(fire, context).await {
        Ok(admitted) => admitted,
        Err(declined) => return Ok(vec![refused(declined)?]),
    };
    let images = match find::images(&admitted, fire, workshop.most_images_of_a_tag).await {
        Ok(images) => images,
        Err(declined) => return Ok(vec![refused(declined)?]),
    };
    let replicas = Replicas::of(workshop, fire, context).await?;
    let (admitted, replicas) = (&admitted, &replicas);
    stream::iter(images)
        .map(|image| async move { verdict(admitted, replicas, fire, &image).await })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// What cannot be told now is a failure that is tried again.
fn refused(declined: Declined) -> Result<ResolvedImage, Failure> {
    match declined {
        Declined::Refused(error) => Ok(ResolvedImage::Refused(error)),
        Declined::NotNow(error) => Err(Failure {
            error,
            transient: true,
        }),
    }
}

async fn verdict(
    admitted: &AdmittedFire<'_>,
    replicas: &Replicas<'_>,
    fire: &PlanFire,
    image: &Image,
) -> Result<ResolvedImage, Failure> {
    // Nothing is asked of a copy that is not made.
    if let Some(replica) = replicas.standing_for(image).await? {
        return Ok(ResolvedImage::Identical {
            source: image.id,
            replica,
        });
    }
    match admitted.admit(image).await {
        Ok(copy) => Ok(ResolvedImage::Copy(Box::new(copy.into_spec(
            IfIdentical::Reuse,
            fire.traceparent.clone(),
            Some(fire.plan_id),
        )))),
        Err(declined) => refused(declined),
    }
}
