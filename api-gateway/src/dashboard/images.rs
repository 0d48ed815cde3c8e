//! `GET /dashboard/api/images`: the images that the caller may choose from, as this region's Glance lists them for the caller.

use std::sync::Arc;

use axum::extract::State;
use domain::ImageId;
use jiff::Timestamp;
use openstack::{Image, ImageFilter, ImageStatus};
use serde::Serialize;

use crate::answer::Document;
use crate::app::App;
use crate::auth::Caller;
use crate::fault::Fault;
use crate::images::asked;
use crate::scope::Scope;

/// Images that are told of, at most: more are found by nobody in a list.
const MOST: usize = 1000;
/// Images that Glance is asked for at once.
const PIECE: u32 = 250;

/// The images, newest first.
#[derive(Serialize)]
pub(super) struct Images {
    images: Vec<Choice>,
    /// There are more.
    is_cut_off: bool,
}

#[derive(Serialize)]
struct Choice {
    id: ImageId,
    name: String,
    size_bytes: u64,
    disk_format: Option<String>,
    created_at: Timestamp,
    /// It belongs to the caller's project.
    is_own: bool,
}

/// Lists them: those that are active and have a known size, for no others can be copied.
pub(super) async fn list_images(
    caller: Caller,
    State(app): State<Arc<App>>,
    scope: Scope,
) -> Result<Document<Images>, Fault> {
    let listing = list(&app, &caller, &scope);
    let listed = Scope::within(scope.deadline(), "Listing the images", listing).await?;
    Ok(Document(listed))
}

async fn list(app: &App, caller: &Caller, scope: &Scope) -> Result<Images, Fault> {
    let glance = app
        .image_service
        .with_token(caller.token.clone(), &scope.onward())
        .await?;
    let filter = ImageFilter::default().status(&ImageStatus::Active);
    let (mut images, mut marker) = (Vec::new(), None);
    loop {
        let page = asked(|| glance.list(&filter, PIECE, marker)).await;
        let page = page.map_err(|error| Fault::of_image_service(&error))?;
        images.extend(
            page.images
                .into_iter()
                .filter_map(|image| choice(image, caller)),
        );
        marker = page.next;
        if marker.is_none() || images.len() >= MOST {
            images.truncate(MOST);
            return Ok(Images {
                images,
                is_cut_off: marker.is_some(),
            });
        }
    }
}

fn choice(image: Image, caller: &Caller) -> Option<Choice> {
    Some(Choice {
        id: image.id,
        size_bytes: image.size?,
        is_own: image.owner.as_ref() == Some(&caller.project),
        name: image.name.unwrap_or_default(),
        disk_format: image.disk_format,
        created_at: image.created_at,
    })
}
