//! The version documents of the compute API. Clients ask for them before they have a token.
//!
//! Their form is Nova's (`nova/api/openstack/compute/views/versions.py`). The newer version is served
//! without microversions: its lowest and highest are the same.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Document;
use crate::app::App;
use crate::documented::VersionFaults;
use crate::fault::Fault;
use crate::links::{BaseUrl, Link};

/// A version of the compute API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Version {
    /// `v2.0` or `v2.1`.
    id: &'static str,
    /// `SUPPORTED` or `CURRENT`.
    status: &'static str,
    /// The highest microversion; empty without any.
    version: &'static str,
    /// The lowest microversion; empty without any.
    min_version: &'static str,
    /// When it was defined.
    updated: &'static str,
    /// Where it is.
    links: Vec<Link>,
    /// What it speaks.
    #[serde(rename = "media-types", skip_serializing_if = "Vec::is_empty")]
    media_types: Vec<MediaType>,
}

/// A media type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct MediaType {
    /// The general one.
    base: &'static str,
    /// The exact one.
    #[serde(rename = "type")]
    exact: &'static str,
}

/// All versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Versions {
    /// The oldest first.
    versions: Vec<Version>,
}

/// One version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneVersion {
    /// The version.
    version: Version,
}

/// The routes of the version documents.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_versions))
        .routes(routes!(show_v2))
        .routes(routes!(show_v21))
}

/// List the versions of the compute API
#[utoipa::path(
    get,
    path = "/",
    operation_id = "listVersions",
    tag = "images",
    security(()),
    responses(
        (status = 200, description = "All versions.", body = Versions,
            content_type = "application/json; charset=UTF-8"),
        VersionFaults,
    ),
)]
async fn list_versions(base: BaseUrl) -> Document<Versions> {
    let versions = [v2(&base), v21(&base)].map(|version| Version {
        media_types: Vec::new(),
        ..version
    });
    Document(Versions {
        versions: versions.into(),
    })
}

/// Show version 2.0 of the compute API
#[utoipa::path(
    get,
    path = "/v2",
    operation_id = "showVersion2",
    tag = "images",
    security(()),
    responses(
        (status = 200, description = "Version 2.0.", body = OneVersion,
            content_type = "application/json; charset=UTF-8"),
        VersionFaults,
    ),
)]
async fn show_v2(base: BaseUrl) -> Document<OneVersion> {
    Document(OneVersion { version: v2(&base) })
}

/// Show version 2.1 of the compute API
#[utoipa::path(
    get,
    path = "/v2.1",
    operation_id = "showVersion21",
    tag = "images",
    security(()),
    responses(
        (status = 200, description = "Version 2.1.", body = OneVersion,
            content_type = "application/json; charset=UTF-8"),
        VersionFaults,
    ),
)]
async fn show_v21(base: BaseUrl) -> Document<OneVersion> {
    Document(OneVersion {
        version: v21(&base),
    })
}

fn v2(base: &BaseUrl) -> Version {
    Version {
        id: "v2.0",
        status: "SUPPORTED",
        version: "",
        min_version: "",
        updated: "2011-01-21T11:33:21Z",
        links: vec![Link::new("self", format!("{base}/v2/"))],
        media_types: json("application/vnd.openstack.compute+json;version=2"),
    }
}

fn v21(base: &BaseUrl) -> Version {
    Version {
        id: "v2.1",
        status: "CURRENT",
        version: "2.1",
        min_version: "2.1",
        updated: "2013-07-23T11:33:21Z",
        links: vec![Link::new("self", format!("{base}/v2.1/"))],
        media_types: json("application/vnd.openstack.compute+json;version=2.1"),
    }
}

fn json(exact: &'static str) -> Vec<MediaType> {
    let base = "application/json";
    vec![MediaType { base, exact }]
}

impl<S: Send + Sync> FromRequestParts<S> for BaseUrl {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        Self::of(parts)
    }
}
