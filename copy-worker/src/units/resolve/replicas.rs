//! The action's replicas, and whether one of them still stands for an image.

use copy_engine::{Failure, stands_for};
use domain::{ImageId, ImageSelector, PlanFire, RecoveryPoint};
use openstack::{Error, Glance, Image, ImageStatus, RequestContext};

use crate::workshop::Workshop;

/// The newest replica of each line of the action, at its destination.
pub(super) struct Replicas<'a> {
    fire: &'a PlanFire,
    /// With a token for the tenant that owns them; none when there is no replica to look at.
    glance: Option<Glance>,
}

// === impl Replicas ===

impl<'a> Replicas<'a> {
    /// # Errors
    /// When there are some, and their Glance cannot be used.
    pub(super) async fn of(
        workshop: &Workshop,
        fire: &'a PlanFire,
        context: &RequestContext,
    ) -> Result<Self, Failure> {
        let place = &fire.destination;
        let glance = if fire.newest.is_empty() {
            None
        } else {
            let region = workshop.region(&place.region, context)?;
            let glance = region.glance_for_tenant(&place.tenant).await;
            Some(glance.map_err(|error| Failure::at_replica(&error, place))?)
        };
        Ok(Self { fire, glance })
    }

    /// The replica that has the image's bytes and is there, if one does.
    ///
    /// # Errors
    /// When a replica cannot be looked at.
    pub(super) async fn standing_for(&self, image: &Image) -> Result<Option<ImageId>, Failure> {
        let (Some(glance), ImageStatus::Active, Some(digest)) =
            (&self.glance, &image.status, image.digest())
        else {
            return Ok(None);
        };
        for point in self.line_of(image.id) {
            match glance.show(point.image_id).await {
                Ok(replica) if stands_for(point, &replica, &digest) => {
                    return Ok(Some(replica.id));
                }
                Ok(_) | Err(Error::NotFound(_) | Error::Gone(_)) => {}
                Err(error) => return Err(Failure::at_replica(&error, &self.fire.destination)),
            }
        }
        Ok(None)
    }

    /// A tag has a line of replicas for each image, an id and a name have one. An action that was edited has
    /// replicas elsewhere, too, which stand for nothing here.
    fn line_of(&self, source: ImageId) -> impl Iterator<Item = &'a RecoveryPoint> {
        let PlanFire {
            newest,
            selector,
            destination,
            ..
        } = self.fire;
        newest.iter().filter(move |point| {
            point.destination == *destination
                && match selector {
                    ImageSelector::Id(_) | ImageSelector::Name(_) => true,
                    ImageSelector::Tag(_) => point.source_image_id == source,
                }
        })
    }
}
