//! `GET /v2/{project_id}/images` and `…/images/detail`.

use axum::extract::RawQuery;
use domain::ImageId;
use openstack::{Error, ImagePage};

use super::document::{BriefImage, ImageDocument, ImageList};
use super::image_service::asked;
use super::page::{PageReader, Piece};
use super::query::ImageQuery;
use super::requester::Requester;
use crate::answer::Document;
use crate::documented::{ImageListFaults, ImageStatusName, WholeNumber};
use crate::fault::Fault;
use crate::links::Link;
use crate::scope::Scope;

/// List images in brief
///
/// The images that the image service lists for the caller, newest first. A page that is not full may
/// have a next one: filters that the image service does not have are applied to 5000 images a request
/// at most.
#[utoipa::path(
    get,
    path = "/{project_id}/images",
    operation_id = "listImages",
    tag = "images",
    params(
        ("project_id" = String, Path, description = "The project of the token."),
        ("name" = Option<String>, Query, description = "Exactly this name."),
        ("status" = inline(Option<ImageStatusName>), Query,
            description = "This status, by either API's name: `ACTIVE`, `SAVING`, `queued` and so on."),
        ("minDisk" = Option<u32>, Query, description = "Exactly this smallest disk in GiB."),
        ("minRam" = Option<u32>, Query, description = "Exactly this smallest memory in MiB."),
        ("changes-since" = Option<String>, Query, format = DateTime,
            description = "Made or changed at this time (ISO 8601) or later."),
        ("type" = Option<String>, Query, description = "This `image_type`, for example `snapshot`."),
        ("server" = Option<String>, Query,
            description = "Snapshots of this server, named by its id or its address."),
        ("limit" = inline(Option<WholeNumber>), Query,
            description = "Images on a page; 1000 at most and unless given."),
        ("marker" = Option<uuid::Uuid>, Query,
            description = "The last image of the page before."),
    ),
    responses(
        (status = 200, description = "A page of images. Any `property-<name>=<value>` narrows it down \
            to images with that custom property; other keys of the query are ignored.",
            body = ImageList<BriefImage>, content_type = "application/json; charset=UTF-8"),
        ImageListFaults,
    ),
)]
pub(super) async fn list_images(
    requester: Requester,
    RawQuery(query): RawQuery,
) -> Result<Document<ImageList<BriefImage>>, Fault> {
    let (page, images_links) = read(&requester, query.as_deref(), "images").await?;
    let brief = |image| BriefImage::new(image, &requester.links);
    Ok(Document(ImageList {
        images: page.images.iter().map(brief).collect(),
        images_links,
    }))
}

/// List images
///
/// As the brief list, with everything that a show tells.
#[utoipa::path(
    get,
    path = "/{project_id}/images/detail",
    operation_id = "listImageDetails",
    tag = "images",
    params(
        ("project_id" = String, Path, description = "The project of the token."),
        ("limit" = inline(Option<WholeNumber>), Query,
            description = "Images on a page; 1000 at most and unless given. All other parameters are \
                those of the brief list."),
    ),
    responses(
        (status = 200, description = "A page of images.", body = ImageList<ImageDocument>,
            content_type = "application/json; charset=UTF-8"),
        ImageListFaults,
    ),
)]
pub(super) async fn list_image_details(
    requester: Requester,
    RawQuery(query): RawQuery,
) -> Result<Document<ImageList<ImageDocument>>, Fault> {
    let (page, images_links) = read(&requester, query.as_deref(), "images/detail").await?;
    // A copy that is still being filled is hidden from lists: no job has to be asked for its progress.
    let full = |image| ImageDocument::new(image, None, &requester.links);
    Ok(Document(ImageList {
        images: page.images.iter().map(full).collect(),
        images_links,
    }))
}

/// How often a page is read from its beginning, when images that it goes by are deleted meanwhile.
const TRIES: usize = 5;

/// The page that the query asks for, and the link to the next one; `list` is the end of its path.
async fn read(
    requester: &Requester,
    query: Option<&str>,
    list: &str,
) -> Result<(ImagePage, Vec<Link>), Fault> {
    let query = ImageQuery::parse(query.unwrap_or_default())
        .map_err(|invalid| Fault::BadRequest(invalid.to_string()))?;
    let mut tries_left = TRIES;
    let page = loop {
        match read_once(requester, &query).await? {
            Some(page) => break page,
            None => tries_left -= 1,
        }
        if tries_left == 0 {
            return Err(Fault::unavailable(
                "The images changed again and again while they were listed. Try again later.",
            ));
        }
    };
    let next = page.next.map(|last| query.after(last));
    let links = next.map(|next| requester.links.next_page(list, &next));
    Ok((page, links.unwrap_or_default()))
}

/// Reads the page; none when an image at which one of Glance's own pages ended is gone meanwhile, so
/// that the next one cannot be asked for.
async fn read_once(requester: &Requester, query: &ImageQuery) -> Result<Option<ImagePage>, Fault> {
    let filter = query.filters.for_glance();
    let mut reader = PageReader::new(query);
    while let Some(Piece { limit, marker }) = reader.next_piece() {
        let listing = async {
            match asked(|| requester.glance.list(&filter, limit, marker)).await {
                Ok(piece) => Ok(Some(piece)),
                Err(Error::BadRequest { status: 400, .. } | Error::Forbidden(_))
                    if marker != query.marker =>
                {
                    Ok(None)
                }
                Err(error) => Err(refusal(&error, query.marker)),
            }
        };
        let listed = Scope::within(requester.deadline, "Listing the images", listing).await?;
        let Some(piece) = listed else {
            return Ok(None);
        };
        reader.add(piece);
    }
    Ok(Some(reader.into_page()))
}

/// Glance answers 400 to a marker that it does not know, and to texts that its database does not take. To one that is somebody
/// else's image it answers 403: that there is one is not passed on.
fn refusal(error: &Error, given_marker: Option<ImageId>) -> Fault {
    match (error, given_marker) {
        (Error::BadRequest { status: 400, .. } | Error::Forbidden(_), Some(marker)) => {
            Fault::BadRequest(format!(
                "Invalid value for query parameter marker: there is no image {marker} (any more)."
            ))
        }
        (
            Error::BadRequest {
                status: 400,
                message,
            },
            None,
        ) => Fault::BadRequest(format!("The image service refuses the query: {message}")),
        (error, _) => Fault::of_image_service(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_that_is_somebody_elses_image_is_refused_as_one_that_is_nobodys() {
        let marker = "70a599e0-31e7-49b7-b260-868f441e862b".parse().ok();
        let nobodys = Error::BadRequest {
            status: 400,
            message: "Invalid marker.".to_owned(),
        };
        let forbidden = Error::Forbidden("not visible".to_owned());
        assert_eq!(refusal(&forbidden, marker), refusal(&nobodys, marker));
        assert!(matches!(refusal(&forbidden, None), Fault::Forbidden(_)));
    }
}
