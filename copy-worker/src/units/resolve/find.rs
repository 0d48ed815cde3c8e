//! Which images a selector means now.

use std::num::NonZeroUsize;

use admission::{AdmittedFire, Declined};
use domain::{ErrorCode, ImageId, ImageSelector, JobError, PlanFire};
use openstack::{Error, Image, ImageFilter, ImageStatus};

/// Images a call; few in tests, so that they turn pages.
const PAGE: u32 = if cfg!(test) { 2 } else { 100 };

/// The images of the fire's selector, the newest first.
///
/// # Errors
/// [`Declined::Refused`] when there is none, or more than `most` have the tag.
pub(super) async fn images(
    fire: &AdmittedFire<'_>,
    of: &PlanFire,
    most: NonZeroUsize,
) -> Result<Vec<Image>, Declined> {
    let found = match &of.selector {
        ImageSelector::Id(id) => by_id(fire, *id).await?.into_iter().collect(),
        ImageSelector::Name(name) => newest_named(fire, name).await?.into_iter().collect(),
        ImageSelector::Tag(tag) => all_tagged(fire, of, tag, most).await?,
    };
    if found.is_empty() {
        return Err(nothing_found(of));
    }
    Ok(found)
}

async fn by_id(fire: &AdmittedFire<'_>, id: ImageId) -> Result<Option<Image>, Declined> {
    match fire.glance().show(id).await {
        Ok(image) if fire.reaches(&image).await? => Ok(Some(image)),
        Ok(_) | Err(Error::NotFound(_) | Error::Gone(_)) => Ok(None),
        Err(error) => Err(fire.unanswered(&error)),
    }
}

/// Of several that were made in the same second, the one of the highest id: each fire shall take the same.
async fn newest_named(fire: &AdmittedFire<'_>, name: &str) -> Result<Option<Image>, Declined> {
    let filter = fire.listing().name(name).status(&ImageStatus::Active);
    let mut newest: Option<Image> = None;
    let mut pages = Pages::of(fire, filter);
    while let Some(page) = pages.next().await? {
        for image in page {
            let (age, known) = (image.created_at, newest.as_ref());
            // Lists begin with the newest: what follows is older still.
            if known.is_some_and(|newest| age < newest.created_at) {
                return Ok(newest);
            }
            let is_newer =
                known.is_none_or(|newest| (newest.created_at, newest.id) < (age, image.id));
            if is_newer && image.name.as_deref() == Some(name) && fire.lists(&image).await? {
                newest = Some(image);
            }
        }
    }
    Ok(newest)
}

async fn all_tagged(
    fire: &AdmittedFire<'_>,
    of: &PlanFire,
    tag: &str,
    most: NonZeroUsize,
) -> Result<Vec<Image>, Declined> {
    let filter = fire.listing().tag(tag).status(&ImageStatus::Active);
    let mut found = Vec::new();
    let mut pages = Pages::of(fire, filter);
    while let Some(page) = pages.next().await? {
        for image in page {
            if !image.tags.contains(tag) || !fire.lists(&image).await? {
                continue;
            }
            if found.len() == most.get() {
                return Err(too_many(of, tag, most));
            }
            found.push(image);
        }
    }
    Ok(found)
}

/// A list, page by page.
struct Pages<'a> {
    fire: &'a AdmittedFire<'a>,
    filter: ImageFilter,
    next: Next,
}

enum Next {
    First,
    After(ImageId),
    End,
}

impl<'a> Pages<'a> {
    fn of(fire: &'a AdmittedFire<'a>, filter: ImageFilter) -> Self {
        Self {
            fire,
            filter,
            next: Next::First,
        }
    }

    /// The next page; none after the last.
    async fn next(&mut self) -> Result<Option<Vec<Image>>, Declined> {
        let marker = match self.next {
            Next::First => None,
            Next::After(marker) => Some(marker),
            Next::End => return Ok(None),
        };
        let page = self
            .fire
            .glance()
            .list(&self.filter, PAGE, marker)
            .await
            .map_err(|error| self.fire.unanswered(&error))?;
        self.next = page.next.map_or(Next::End, Next::After);
        Ok(Some(page.images))
    }
}

fn nothing_found(of: &PlanFire) -> Declined {
    let (region, tenant) = (&of.source_region, &of.source_tenant);
    let message = match &of.selector {
        ImageSelector::Id(id) => format!(
            "Image {id} does not exist in region {region}, or tenant {tenant} cannot see it."
        ),
        ImageSelector::Name(name) => {
            format!("Tenant {tenant} sees no active image named {name:?} in region {region}.")
        }
        ImageSelector::Tag(tag) => {
            format!("Tenant {tenant} sees no active image with the tag {tag:?} in region {region}.")
        }
    };
    Declined::Refused(JobError::new(ErrorCode::SourceGone, message))
}

fn too_many(of: &PlanFire, tag: &str, most: NonZeroUsize) -> Declined {
    let (region, tenant) = (&of.source_region, &of.source_tenant);
    Declined::Refused(JobError::new(
        ErrorCode::TooManyImages,
        format!(
            "More than {most} images that tenant {tenant} sees in region {region} have the tag {tag:?}; a plan copies \
             {most} at most. Take the tag from some of them, or use several tags and plans."
        ),
    ))
}
