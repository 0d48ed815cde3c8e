//! `GET /v2/{project_id}/images/{image_id}`.

use std::slice;
use std::sync::Arc;

use axum::extract::State;

use super::copy_progress;
use super::document::{ImageDocument, OneImage};
use super::requester::{ImagePath, Requester};
use crate::answer::Document;
use crate::app::App;
use crate::documented::ImageFaults;
use crate::fault::Fault;

/// Show an image
#[utoipa::path(
    get,
    path = "/{project_id}/images/{image_id}",
    operation_id = "showImage",
    tag = "images",
    params(
        ("project_id" = String, Path, description = "The project of the token."),
        ("image_id" = uuid::Uuid, Path, description = "The image."),
    ),
    responses(
        (status = 200, description = "The image.", body = OneImage,
            content_type = "application/json; charset=UTF-8"),
        ImageFaults,
    ),
)]
pub(super) async fn show_image(
    requester: Requester,
    ImagePath(id): ImagePath,
    State(app): State<Arc<App>>,
) -> Result<Document<OneImage>, Fault> {
    let image = requester.image(id).await?;
    let copied = copy_progress::of(&app, slice::from_ref(&image), requester.deadline).await;
    let copied = copied.get(&image.id).copied();
    Ok(Document(OneImage {
        image: ImageDocument::new(&image, copied, &requester.links),
    }))
}
