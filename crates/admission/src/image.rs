//! The image: it is there, ready, has data and may be read; for a request, with the caller's own token.

use domain::{ImageDigest, ImageId};
use openstack::{ByteRange, Error, Glance, Image, ImageStatus, Region};

use crate::in_order::in_order;
use crate::service_user::{lookup_refusal, refusal};
use crate::{Caller, Policy, Refusal};

/// An image that the caller may copy.
#[derive(Debug)]
pub(crate) struct Readable {
    pub(crate) image: Image,
    pub(crate) digest: ImageDigest,
}

/// Shows the image and reads its first byte, both with the caller's token and at once. What is shown is answered first:
/// of an image that is not active yet, nothing that a read says counts.
///
/// Seeing is not reading: a `reader` sees images that Glance does not let it download.
pub(crate) async fn readable_by_caller(
    source: &Region,
    policy: &Policy,
    caller: &Caller,
    id: ImageId,
) -> Result<Readable, Refusal> {
    if !caller.info.has_any_role(&policy.copy_roles) {
        return Err(Refusal::ImageNotFound { image: id });
    }
    match show_and_read(source, caller, id).await {
        Err(Refusal::NotAuthenticated) => Err(why_not_accepted(source, caller).await),
        other => other,
    }
}

/// Shows the image with the caller's token: it is there, whatever its status.
pub(crate) async fn visible_to_caller(
    source: &Region,
    caller: &Caller,
    id: ImageId,
) -> Result<(), Refusal> {
    match show(source, caller, id).await {
        Ok(image)
            if matches!(
                image.status,
                ImageStatus::Deleted | ImageStatus::PendingDelete
            ) =>
        {
            Err(Refusal::ImageNotFound { image: id })
        }
        Ok(_) => Ok(()),
        Err(Refusal::NotAuthenticated) => Err(why_not_accepted(source, caller).await),
        Err(refusal) => Err(refusal),
    }
}

async fn show(source: &Region, caller: &Caller, id: ImageId) -> Result<Image, Refusal> {
    let refused = |error| caller_refusal(source, id, error);
    let glance = source
        .glance_for_caller(caller.token.clone())
        .await
        .map_err(refused)?;
    retry_lone_401(|| glance.show(id)).await.map_err(refused)
}

async fn show_and_read(source: &Region, caller: &Caller, id: ImageId) -> Result<Readable, Refusal> {
    let refused = |error| caller_refusal(source, id, error);
    let glance = source
        .glance_for_caller(caller.token.clone())
        .await
        .map_err(refused)?;
    let show = async {
        let image = retry_lone_401(|| glance.show(id)).await.map_err(refused)?;
        let digest = digest_of_copyable(id, &image)?;
        Ok(Readable { image, digest })
    };
    let (readable, read) = in_order(show, retry_lone_401(|| read_first_byte(&glance, id))).await?;
    read.map_err(refused)?;
    Ok(readable)
}

/// Why Glance does not accept the caller's token. It answers 401 to a good one too while it cannot ask
/// Keystone, and the caller would look for a fault of the token that is none: so Keystone is asked.
async fn why_not_accepted(source: &Region, caller: &Caller) -> Refusal {
    match source.validate(&caller.token).await {
        Ok(None) => Refusal::NotAuthenticated,
        Ok(Some(_)) => {
            tracing::warn!(region.id = %source.id(), "image service refuses a valid token");
            Refusal::GlanceDown {
                region: source.id().clone(),
            }
        }
        Err(error) => lookup_refusal(source, &error),
    }
}

/// Reads one byte and gives up the rest.
pub(crate) async fn read_first_byte(glance: &Glance, id: ImageId) -> Result<(), Error> {
    glance
        .download(id, Some(ByteRange::FIRST_BYTE))
        .await?
        .prove_readable()
        .await
}

/// Size and hashes of an image that is ready and has bytes.
pub(crate) fn digest_of_copyable(id: ImageId, image: &Image) -> Result<ImageDigest, Refusal> {
    match &image.status {
        ImageStatus::Active => match image.digest() {
            Some(digest) if digest.size_bytes > 0 => Ok(digest),
            Some(_) | None => Err(Refusal::ImageWithoutData { image: id }),
        },
        ImageStatus::Deleted | ImageStatus::PendingDelete => {
            Err(Refusal::ImageNotFound { image: id })
        }
        status @ (ImageStatus::Queued
        | ImageStatus::Saving
        | ImageStatus::Uploading
        | ImageStatus::Importing
        | ImageStatus::Deactivated
        | ImageStatus::Killed
        | ImageStatus::Other(_)) => Err(Refusal::ImageNotActive {
            image: id,
            status: status.to_string(),
        }),
    }
}

/// Glance answers 401 to a good token when it could not ask Keystone: the gateway has just found this
/// one valid, so one more try.
async fn retry_lone_401<T, F>(call: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    match call().await {
        Err(Error::Unauthorized(_)) => call().await,
        other => other,
    }
}

fn caller_refusal(source: &Region, image: ImageId, error: Error) -> Refusal {
    match error {
        Error::Unauthorized(_) => Refusal::NotAuthenticated,
        Error::Forbidden(_) | Error::NotFound(_) | Error::Gone(_) => {
            Refusal::ImageNotFound { image }
        }
        // Glance's address is looked up with the service user's token.
        no_token @ Error::NoToken { .. } => lookup_refusal(source, &no_token),
        other => refusal(source, &other, "cannot use the image service"),
    }
}
