//! Creates the destination image: empty, private, hidden, under the id that was reserved for it.

use domain::{ErrorCode, ImageId};
use openstack::{Error, ImageStatus, NewImage};

use crate::Failure;
use crate::outcome::Step;
use crate::remove::IfAbsent;
use crate::unit::{Halt, Unit};

/// Creates the image; repeated, it finds the image that is there already.
///
/// Keeps in `own` what it would mean for an undo not to find the image.
pub(crate) async fn create(
    unit: &Unit<'_>,
    new: &NewImage,
    own: &mut IfAbsent,
) -> Result<(), Halt> {
    *own = IfAbsent::MayCome;
    let error = match unit.writes().create(new).await {
        Ok(_) => {
            *own = IfAbsent::Gone;
            return Ok(());
        }
        Err(error) => error,
    };
    if error.changed_nothing() {
        *own = IfAbsent::Gone;
    }
    match error {
        // An earlier create may have got through although its answer was lost.
        Error::Conflict(_) => find(unit, new.id, own).await,
        error if error.changed_nothing() => Err(unit.halt(Step::Create, &error)),
        error => match find(unit, new.id, own).await {
            Err(Halt::Failed(_)) => Err(unit.halt(Step::Create, &error)),
            other => other,
        },
    }
}

async fn find(unit: &Unit<'_>, image: ImageId, own: &mut IfAbsent) -> Result<(), Halt> {
    let region = &unit.spec().destination.region;
    let problem = match unit.look(image, Step::Create).await? {
        Some(found) if unit.owns(&found) => {
            *own = IfAbsent::Gone;
            if found.status == ImageStatus::Queued {
                return Ok(());
            }
            format!(
                "image {image} in region {region} is {} already",
                found.status
            )
        }
        Some(_) | None => format!("the id {image} cannot be used in region {region} any more"),
    };
    Err(Failure::transient(ErrorCode::DestinationUnavailable, problem).into())
}
