//! The service user who will do the work: it can read at the source and has a token at the destination.
//!
//! What it lacks is named, for only an operator can mend it.

use domain::{ImageId, TenantId};
use openstack::{Error, Formats, Glance, Region};

use crate::Refusal;
use crate::image::read_first_byte;

/// Why an image's first byte could not be read. Not a refusal yet, which is told to operators, too: an image that the
/// caller may not read, or that is not there, says nothing of the service user.
pub(crate) enum Unread {
    NoGlance(Error),
    Failed(Error),
}

/// Reads the image's first byte as the worker will: with a token for the source tenant.
pub(crate) async fn read_first_byte_of(
    source: &Region,
    tenant: &TenantId,
    image: ImageId,
) -> Result<(), Unread> {
    let glance = source.glance_for_tenant(tenant).await;
    let glance = glance.map_err(Unread::NoGlance)?;
    read_first_byte(&glance, image)
        .await
        .map_err(Unread::Failed)
}

impl Unread {
    pub(crate) fn refusal(&self, source: &Region, tenant: &TenantId) -> Refusal {
        match self {
            Self::NoGlance(error) => no_glance(source, tenant, error),
            Self::Failed(error) => unreadable(source, tenant, error),
        }
    }
}

/// The refusal behind a failed read of an image with the token for its tenant.
pub(crate) fn unreadable(source: &Region, tenant: &TenantId, error: &Error) -> Refusal {
    refusal(
        source,
        error,
        &format!("may not read images of tenant {tenant}"),
    )
}

/// What the destination's Glance takes, asked with a token for the destination tenant: so the
/// token can be had and that Glance is up.
pub(crate) async fn formats(destination: &Region, tenant: &TenantId) -> Result<Formats, Refusal> {
    let glance = tenants_glance(destination, tenant).await?;
    glance.formats().await.map_err(|error| {
        refusal(
            destination,
            &error,
            &format!("may not use the image service for tenant {tenant}"),
        )
    })
}

/// Of what failed, what is answered: a Glance that is down comes before rights that are missing.
pub(crate) fn first_refusal(failed: [Option<Refusal>; 2]) -> Result<(), Refusal> {
    let mut failed: Vec<Refusal> = failed.into_iter().flatten().collect();
    failed.sort_by_key(|refusal| !matches!(refusal, Refusal::GlanceDown { .. }));
    failed.into_iter().next().map_or(Ok(()), Err)
}

/// The region's Glance with a token for the tenant's images.
pub(crate) async fn tenants_glance(region: &Region, tenant: &TenantId) -> Result<Glance, Refusal> {
    region
        .glance_for_tenant(tenant)
        .await
        .map_err(|error| no_glance(region, tenant, &error))
}

fn no_glance(region: &Region, tenant: &TenantId, error: &Error) -> Refusal {
    refusal(region, error, &format!("has no role on tenant {tenant}"))
}

/// The refusal behind an error of a call that a service token was needed for.
pub(crate) fn refusal(region: &Region, error: &Error, lacks: &str) -> Refusal {
    match error {
        Error::NoToken { .. } if error.is_outage() => keystone_down(region, error),
        Error::NoEndpoint { .. } => refused(region, error, "finds no image service in the catalog"),
        Error::NoToken { .. }
        | Error::Unauthorized(_)
        | Error::Forbidden(_)
        | Error::NotFound(_)
        | Error::Gone(_) => refused(region, error, lacks),
        Error::Conflict(_)
        | Error::TooLarge(_)
        | Error::RangeNotSatisfiable(_)
        | Error::TooManyRequests(_)
        | Error::BadRequest { .. }
        | Error::Redirected { .. }
        | Error::ServerError { .. }
        | Error::Unreachable(_)
        | Error::Interrupted(_)
        | Error::Timeout(_)
        | Error::Malformed(_)
        | Error::RangeIgnored(_)
        | Error::UploadBody(_)
        | Error::Withheld(_)
        | Error::Settings(_) => {
            tracing::warn!(region.id = %region.id(), %error, "image service does not answer as it should");
            Refusal::GlanceDown {
                region: region.id().clone(),
            }
        }
    }
}

/// The refusal behind an error of a lookup in a region's Keystone.
pub(crate) fn lookup_refusal(region: &Region, error: &Error) -> Refusal {
    match error {
        Error::NoToken { cause, .. } if !cause.is_outage() => refused(
            region,
            error,
            "gets no token to look up tenants and roles with",
        ),
        Error::Unauthorized(_) | Error::Forbidden(_) => {
            refused(region, error, "may not look up tenants and roles")
        }
        _ => keystone_down(region, error),
    }
}

fn refused(region: &Region, error: &Error, lacks: &str) -> Refusal {
    tracing::warn!(region.id = %region.id(), %error, lacks, "service user lacks a right");
    Refusal::ServiceUserRefused {
        region: region.id().clone(),
        user: region.identity().username().to_owned(),
        lacks: lacks.to_owned(),
    }
}

fn keystone_down(region: &Region, error: &Error) -> Refusal {
    tracing::warn!(region.id = %region.id(), %error, "identity service does not answer as it should");
    Refusal::KeystoneUnreachable {
        region: region.id().clone(),
    }
}
