//! The API document: generated from the routes, served at `/openapi.json`, checked in as
//! `api-gateway/openapi.json` so that a change of the API shows in review.

use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{Components, RefOr};
use utoipa::{Modify, OpenApi};

/// Everything that is not said at a route.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "image-replicator",
        description = "Copies images between the regions of an OpenStack cloud, verified.\n\n\
                       Every answer carries `X-OpenStack-Request-Id`. Times are UTC. A slash at the \
                       end of a path makes no difference.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (
            name = "image copy jobs",
            description = "Request, watch and cancel copies. The base URL is the one of the \
                           region's image service."
        ),
        (
            name = "images",
            description = "Details of the region's images in the compute API's style. Every answer \
                           also carries `X-Compute-Request-Id`. The base URL is the one of the \
                           region's compute service."
        ),
        (
            name = "plans",
            description = "Copies that are made again and again, as jobs of the OpenStack backup \
                           API."
        ),
    ),
    security(("keystone_token" = [])),
    modifiers(&TokenHeader),
)]
pub(crate) struct ApiDocument;

/// Bodies, and parts of them, in which a key that is not known is refused.
const CLOSED: [&str; 3] = ["CopyRequest", "Event", "JobSchedule"];

/// Says of [`CLOSED`] that they take no other keys, which can't be said where they are described.
pub(crate) fn close(components: &mut Components) {
    for name in CLOSED {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
            let nothing_else = AdditionalProperties::FreeForm(false);
            object.additional_properties = Some(Box::new(nothing_else));
        }
    }
}

struct TokenHeader;

impl Modify for TokenHeader {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let token = ApiKeyValue::with_description(
            "X-Auth-Token",
            "A token of this region's Keystone that is scoped to a project.",
        );
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme(
                "keystone_token",
                SecurityScheme::ApiKey(ApiKey::Header(token)),
            );
    }
}
