//! The checks of one fire of a plan, made with the service credential alone: once for all images, then one by one.

use domain::{ErrorCode, ImageId, JobError, PlanFire, RegionId, Source};
use futures::join;
use openstack::{
    Cloud, Error, Formats, Glance, Image, ImageFilter, Region, RequestContext, Visibility,
};

use crate::image::{digest_of_copyable, read_first_byte};
use crate::{Admission, Admitted, Declined, Refusal, destination, reach, rights, service_user};

/// A fire whose creator may copy, from a Glance that answers to one that does. What is still to be checked is
/// each image.
#[derive(Debug)]
pub struct AdmittedFire<'a> {
    admission: &'a Admission,
    fire: &'a PlanFire,
    /// The region with the request's context.
    source: Region,
    glance: Glance,
    formats: Formats,
}

impl Admission {
    /// Makes the checks that all images of a fire have in common: both tenants are there, the creator's rights on both,
    /// the service user's, both Glances.
    ///
    /// # Errors
    /// The first that fails, in this order.
    pub async fn admit_fire<'a>(
        &'a self,
        fire: &'a PlanFire,
        context: &RequestContext,
    ) -> Result<AdmittedFire<'a>, Declined> {
        let source = self.source.with_context(context);
        let declined = |refusal| Declined::of(refusal, source.id());
        let destination = self
            .destination_region(&fire.destination.region)
            .map_err(declined)?
            .with_context(context);
        let (from, to) = (&fire.source_tenant, &fire.destination.tenant);

        // The source is answered first, whichever is known first.
        let (source_there, destination_there) = join!(
            destination::confirm(&source, from),
            destination::confirm(&destination, to)
        );
        source_there.and(destination_there).map_err(declined)?;
        rights::check_creator(&self.policy, &source, from, &destination, to, &fire.creator).await?;
        let (glance, formats) = join!(
            service_user::tenants_glance(&source, from),
            service_user::formats(&destination, to)
        );
        Ok(AdmittedFire {
            admission: self,
            fire,
            glance: glance.map_err(declined)?,
            formats: formats.map_err(declined)?,
            source,
        })
    }

    fn destination_region(&self, id: &RegionId) -> Result<&Region, Refusal> {
        let cloud: &Cloud = &self.cloud;
        cloud.region(id).ok_or_else(|| Refusal::UnknownRegion {
            region: id.clone(),
            known: cloud.regions().map(|known| known.id().clone()).collect(),
        })
    }
}

// === impl AdmittedFire ===

impl AdmittedFire<'_> {
    /// The source's Glance with the service user's token for the plan's tenant.
    #[must_use]
    pub const fn glance(&self) -> &Glance {
        &self.glance
    }

    /// Whether an image that [`AdmittedFire::glance`] showed is one that the tenant may have copied: an
    /// administrator's token shows more.
    ///
    /// # Errors
    /// [`Declined::NotNow`] when Glance does not answer.
    pub async fn reaches(&self, image: &Image) -> Result<bool, Declined> {
        let is_admin = self.source.identity().is_admin();
        reach::is_for(&self.glance, is_admin, &self.fire.source_tenant, image)
            .await
            .map_err(|error| self.unanswered(&error))
    }

    /// The filter of lists that hold all images that the tenant's own lists would: an administrator's leave out
    /// the community images of every project but the administrator's.
    pub fn listing(&self) -> ImageFilter {
        let filter = ImageFilter::default();
        if self.source.identity().is_admin() {
            filter.visibility(&Visibility::Other("all".to_owned()))
        } else {
            filter
        }
    }

    /// Whether an image of such a list would be in the tenant's own, where other tenants' community images are not.
    ///
    /// # Errors
    /// As [`AdmittedFire::reaches`].
    pub async fn lists(&self, image: &Image) -> Result<bool, Declined> {
        let is_own = image.owner.as_ref() == Some(&self.fire.source_tenant);
        if image.visibility == Visibility::Community && !is_own {
            return Ok(false);
        }
        self.reaches(image).await
    }

    /// What it means that Glance failed to list or show the tenant's images.
    #[must_use]
    pub fn unanswered(&self, error: &Error) -> Declined {
        let tenant = &self.fire.source_tenant;
        let lacks = format!("may not list images of tenant {tenant}");
        Declined::of(
            service_user::refusal(&self.source, error, &lacks),
            self.source.id(),
        )
    }

    /// Makes the checks of one image, which [`AdmittedFire::glance`] showed: ready, with data, readable, within the
    /// tenant's reach, and taken by the destination.
    ///
    /// # Errors
    /// The first that fails, in this order.
    pub async fn admit(&self, image: &Image) -> Result<Admitted, Declined> {
        let fire = self.fire;
        let declined = |refusal| Declined::of(refusal, self.source.id());
        if !self.reaches(image).await? {
            return Err(declined(Refusal::ImageNotFound { image: image.id }));
        }
        let digest = digest_of_copyable(image.id, image).map_err(declined)?;
        self.read(image.id).await?;
        self.admission
            .check_rules(image, &fire.destination.region, Some(&self.formats))
            .map_err(declined)?;
        Ok(Admitted {
            source: Source {
                region: self.source.id().clone(),
                tenant: fire.source_tenant.clone(),
                image: image.id,
            },
            source_image_name: image.name.clone().unwrap_or_default(),
            source_digest: digest,
            destination: fire.destination.clone(),
            requested_by: fire.creator.id.clone(),
        })
    }

    /// Reads the image's first byte, as the worker will.
    async fn read(&self, id: ImageId) -> Result<(), Declined> {
        let tenant = &self.fire.source_tenant;
        let Err(error) = read_first_byte(&self.glance, id).await else {
            return Ok(());
        };
        if let Error::NotFound(_) | Error::Gone(_) = error {
            let gone = Refusal::ImageNotFound { image: id };
            return Err(Declined::of(gone, self.source.id()));
        }
        let refusal = service_user::unreadable(&self.source, tenant, &error);
        Err(match error {
            // What is forbidden may be so for this image alone: the others are not to wait for it.
            Error::Forbidden(_) => {
                Declined::Refused(JobError::new(ErrorCode::SourceRefused, refusal.to_string()))
            }
            _ => Declined::of(refusal, self.source.id()),
        })
    }
}
