//! The checks of one fire of a plan, made with the service credential alone: once for all images, then one by one. And
//! those of a copy that an operator has had made again, for which nobody shows a token either.

use domain::{
    CopySpec, Destination, ErrorCode, ImageId, JobError, PlanFire, RegionId, Source, TenantId,
    UserId,
};
use futures::join;
use openstack::{
    Cloud, Error, Formats, Glance, Image, ImageFilter, Region, RequestContext, Visibility,
};

use crate::image::{digest_of_copyable, read_first_byte};
use crate::rights::Requester;
use crate::{Admission, Admitted, Declined, Refusal, destination, reach, rights, service_user};

/// A fire whose creator (or a copy whose requester) may copy, from a Glance that answers to one that does. What is still to be checked is
/// each image.
#[derive(Debug)]
pub struct AdmittedFire<'a> {
    admission: &'a Admission,
    tenant: &'a TenantId,
    destination: &'a Destination,
    requested_by: &'a UserId,
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
        let (from, to) = (&fire.source_tenant, &fire.destination);
        let requester = Requester::of_plan(&fire.creator);
        self.admit_unattended(from, to, requester, context).await
    }

    /// Whether a copy that was accepted once may be made again: all of the checks of a request but the token, with the
    /// rights of who asked for it then.
    ///
    /// # Errors
    /// The first that fails, in the order of a fire's.
    pub async fn admit_again(
        &self,
        spec: &CopySpec,
        context: &RequestContext,
    ) -> Result<(), Declined> {
        let (from, to) = (&spec.source.tenant, &spec.destination);
        let requester = Requester::of_copy(&spec.requested_by);
        let admitted = self.admit_unattended(from, to, requester, context).await?;
        let gone = |refusal| Declined::of(refusal, &spec.source.region);
        match admitted.glance().show(spec.source.image).await {
            Ok(image) => admitted.admit(&image).await.map(drop),
            Err(Error::NotFound(_) | Error::Gone(_)) => Err(gone(Refusal::ImageNotFound {
                image: spec.source.image,
            })),
            Err(error) => Err(admitted.unanswered(&error)),
        }
    }

    async fn admit_unattended<'a>(
        &'a self,
        tenant: &'a TenantId,
        place: &'a Destination,
        requester: Requester<'a>,
        context: &RequestContext,
    ) -> Result<AdmittedFire<'a>, Declined> {
        let source = self.source.with_context(context);
        let declined = |refusal| Declined::of(refusal, source.id());
        let destination = self
            .destination_region(&place.region)
            .map_err(declined)?
            .with_context(context);
        let (from, to) = (tenant, &place.tenant);

        // The source is answered first, whichever is known first.
        let (source_there, destination_there) = join!(
            destination::confirm(&source, from),
            destination::confirm(&destination, to)
        );
        source_there.and(destination_there).map_err(declined)?;
        rights::check_absent(&self.policy, &source, from, &destination, to, &requester).await?;
        let (glance, formats) = join!(
            service_user::tenants_glance(&source, from),
            service_user::formats(&destination, to)
        );
        Ok(AdmittedFire {
            admission: self,
            tenant,
            destination: place,
            requested_by: requester.id,
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
        reach::is_for(&self.glance, is_admin, self.tenant, image)
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
        let is_own = image.owner.as_ref() == Some(self.tenant);
        if image.visibility == Visibility::Community && !is_own {
            return Ok(false);
        }
        self.reaches(image).await
    }

    /// What it means that Glance failed to list or show the tenant's images.
    #[must_use]
    pub fn unanswered(&self, error: &Error) -> Declined {
        let tenant = self.tenant;
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
        let declined = |refusal| Declined::of(refusal, self.source.id());
        if !self.reaches(image).await? {
            return Err(declined(Refusal::ImageNotFound { image: image.id }));
        }
        let digest = digest_of_copyable(image.id, image).map_err(declined)?;
        self.read(image.id).await?;
        self.admission
            .check_rules(image, &self.destination.region, Some(&self.formats))
            .map_err(declined)?;
        Ok(Admitted {
            source: Source {
                region: self.source.id().clone(),
                tenant: self.tenant.clone(),
                image: image.id,
            },
            source_image_name: image.name.clone().unwrap_or_default(),
            source_digest: digest,
            destination: self.destination.clone(),
            requested_by: self.requested_by.clone(),
        })
    }

    /// Reads the image's first byte, as the worker will.
    async fn read(&self, id: ImageId) -> Result<(), Declined> {
        let tenant = self.tenant;
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
