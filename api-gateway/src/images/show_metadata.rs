//! `GET /v2/{project_id}/images/{image_id}/metadata` and `…/metadata/{key}`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::metadata::metadata_of;
use super::requester::{ImagePath, KeyPath, Requester};
use crate::answer::Document;
use crate::documented::{ImageFaults, MetadataFaults};
use crate::fault::Fault;

/// All metadata of an image.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Metadata {
    /// Values by key.
    #[schema(value_type = Object)]
    metadata: BTreeMap<String, Value>,
}

/// One value of an image's metadata.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneMetadatum {
    /// The value by its key.
    #[schema(value_type = Object)]
    meta: BTreeMap<String, Value>,
}

/// Show an image's metadata
#[utoipa::path(
    get,
    path = "/{project_id}/images/{image_id}/metadata",
    operation_id = "listImageMetadata",
    tag = "images",
    params(
        ("project_id" = String, Path, description = "The project of the token."),
        ("image_id" = uuid::Uuid, Path, description = "The image."),
    ),
    responses(
        (status = 200, description = "The image's custom properties.", body = Metadata,
            content_type = "application/json; charset=UTF-8"),
        ImageFaults,
    ),
)]
pub(super) async fn list_metadata(
    requester: Requester,
    ImagePath(id): ImagePath,
) -> Result<Document<Metadata>, Fault> {
    let image = requester.image(id).await?;
    Ok(Document(Metadata {
        metadata: metadata_of(&image),
    }))
}

/// Show one value of an image's metadata
#[utoipa::path(
    get,
    path = "/{project_id}/images/{image_id}/metadata/{key}",
    operation_id = "showImageMetadata",
    tag = "images",
    params(
        ("project_id" = String, Path, description = "The project of the token."),
        ("image_id" = uuid::Uuid, Path, description = "The image."),
        ("key" = String, Path, description = "The name of the property."),
    ),
    responses(
        (status = 200, description = "The property.", body = OneMetadatum,
            content_type = "application/json; charset=UTF-8"),
        MetadataFaults,
    ),
)]
pub(super) async fn show_metadata(
    requester: Requester,
    ImagePath(id): ImagePath,
    KeyPath(key): KeyPath,
) -> Result<Document<OneMetadatum>, Fault> {
    let image = requester.image(id).await?;
    let mut metadata = metadata_of(&image);
    let value = metadata.remove(&key).ok_or_else(Fault::no_such_metadata)?;
    Ok(Document(OneMetadatum {
        meta: BTreeMap::from([(key, value)]),
    }))
}
