//! Creates the destination image: empty, private, hidden, under the id that was reserved for it.

use domain::{ErrorCode, ImageId};
use openstack::{Error, ImageStatus, NewImage};

use crate::Failure;
use crate::outcome::Step;
use crate::unit::{Halt, Unit};

/// What is known of the attempt's own image, for whoever has to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// Glance does not have it and no request that is on its way could change that.
    Absent,
    /// A create was sent and its answer never came: it may still take effect.
    Doubtful,
    /// Glance has it, or had.
    Exists,
    /// Glance has all of its bytes.
    Filled,
}

/// Creates the image; repeated, it finds the image that is there already.
pub(crate) async fn create(unit: &Unit<'_>, new: &NewImage, own: &mut Own) -> Result<(), Halt> {
    unit.control.permit().await?;
    *own = Own::Doubtful;
    match unit.destination.create(new).await {
        Ok(_) => {
            *own = Own::Exists;
            Ok(())
        }
        // An earlier create may have got through although its answer was lost.
        Err(Error::Conflict(_)) => find(unit, new.id, own).await,
        Err(error) if error.is_outage() => match find(unit, new.id, own).await {
            Err(Halt::Failed(_)) => Err(unit.judge(Step::Create, &error).into()),
            other => other,
        },
        Err(error) => {
            *own = Own::Absent;
            Err(unit.judge(Step::Create, &error).into())
        }
    }
}

async fn find(unit: &Unit<'_>, image: ImageId, own: &mut Own) -> Result<(), Halt> {
    let region = &unit.spec().destination.region;
    let problem = match unit.look(image, Step::Create).await? {
        Some(found) if unit.owns(&found) => {
            *own = Own::Exists;
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
