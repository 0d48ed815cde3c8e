//! The body of a copy request: from bytes to a [`CopyRequest`], or to a sentence that names the key
//! and the remedy.
//!
//! Stricter than plain JSON on purpose: a key that is unknown or stands there twice is a mistake of
//! the caller (JSON leaves the meaning of the latter open), and a copy of the wrong image is dear.

mod object;

use domain::{IfIdentical, ImageId, RegionId, TenantId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::documented::PlainUuid;
use object::Object;

/// Longest region name that is looked up; Keystone's own limit.
const LONGEST_REGION: usize = 255;

/// What a caller wants to have copied where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyRequest {
    /// The image, in this region.
    pub image: ImageId,
    /// The project that gets the copy.
    pub tenant: TenantId,
    /// The region that gets the copy, when the tenant alone does not tell.
    pub region: Option<RegionId>,
    /// Whether an identical image may stand in for a new one.
    pub if_identical: IfIdentical,
}

/// A body that is no copy request; the text is for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidBody {
    /// There is none.
    #[error("The request body is empty: send a JSON object with image_id and tenant_id_dst.")]
    Empty,
    /// Not JSON.
    #[error("The request body is not JSON: {0}.")]
    Syntax(String),
    /// JSON, but no object.
    #[error("The request body must be a JSON object with image_id and tenant_id_dst.")]
    NotAnObject,
    /// A key twice.
    #[error("{0} is given more than once: give it once.")]
    Repeated(String),
    /// A key that is not known.
    #[error(
        "Unknown key {0}: the request takes image_id, tenant_id_dst, region_id_dst and if_identical."
    )]
    Unknown(String),
    /// A key that is needed.
    #[error("{key} is missing: give {expected}.")]
    Missing {
        /// The key.
        key: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// A value that is not what it should be.
    #[error("{key} must be {expected}.")]
    Wrong {
        /// The key.
        key: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
}

/// What to copy where.
#[derive(Debug, ToSchema)]
#[schema(as = CopyRequest)]
#[allow(
    dead_code,
    reason = "describes the body; it is parsed by hand, for better messages"
)]
pub(crate) struct CopyRequestSchema {
    /// The image to copy, in the region of this endpoint.
    #[schema(value_type = PlainUuid, examples("335eef3f-551d-46e1-8781-173f43209d48"))]
    image_id: String,
    /// The project that gets the copy: a UUID with or without dashes.
    #[schema(value_type = PlainUuid)]
    tenant_id_dst: String,
    /// The region that gets the copy. Needed only when several regions know the tenant.
    #[schema(nullable = false, min_length = 1, max_length = 255, examples("ot2"))]
    region_id_dst: Option<String>,
    /// `reuse`: the job may end at once with an image of the destination tenant that this service
    /// made before and that is identical. Otherwise a new image is made.
    #[schema(nullable = false, value_type = Option<IfIdenticalSchema>, default = "copy")]
    if_identical: Option<String>,
}

/// What to do when the destination already has an identical image.
#[derive(Debug, ToSchema)]
#[schema(as = IfIdentical, rename_all = "snake_case")]
#[allow(dead_code, reason = "describes a string of the API document")]
pub(crate) enum IfIdenticalSchema {
    /// Make a new image.
    Copy,
    /// Take the one that is there.
    Reuse,
}

impl CopyRequest {
    /// Parses a body.
    ///
    /// # Errors
    /// [`InvalidBody`] with the first thing that is wrong.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, InvalidBody> {
        let mut object = Object::parse(body)?;
        let request = Self {
            image: required(&mut object, "image_id", "the UUID of an image", image_id)?,
            tenant: required(
                &mut object,
                "tenant_id_dst",
                "the UUID of a project, with or without dashes",
                tenant_id,
            )?,
            region: optional(
                &mut object,
                "region_id_dst",
                "the name of a region",
                region_id,
            )?,
            if_identical: optional(
                &mut object,
                "if_identical",
                r#""copy" or "reuse""#,
                if_identical,
            )?
            .unwrap_or_default(),
        };
        object.refuse_the_rest()?;
        Ok(request)
    }

    /// A digest of what is asked for, however it is written: the same for another order of keys,
    /// other blanks, other notations of a UUID. Stored beside an Idempotency-Key.
    #[must_use]
    pub(crate) fn digest(&self) -> String {
        let canonical = json!([
            self.image.to_string(),
            self.tenant.as_str(),
            self.region.as_ref().map(RegionId::as_str),
            self.if_identical,
        ]);
        let digest = Sha256::digest(canonical.to_string());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn required<T>(
    object: &mut Object,
    key: &'static str,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, InvalidBody> {
    optional(object, key, expected, parse)?.ok_or(InvalidBody::Missing { key, expected })
}

fn optional<T>(
    object: &mut Object,
    key: &'static str,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, InvalidBody> {
    let Some(value) = object.take(key) else {
        return Ok(None);
    };
    value
        .as_str()
        .and_then(parse)
        .map(Some)
        .ok_or(InvalidBody::Wrong { key, expected })
}

fn image_id(text: &str) -> Option<ImageId> {
    text.parse().ok()
}

fn tenant_id(text: &str) -> Option<TenantId> {
    TenantId::parse(text).ok()
}

fn region_id(text: &str) -> Option<RegionId> {
    let fits = (1..=LONGEST_REGION).contains(&text.len()) && !text.contains(char::is_control);
    fits.then(|| RegionId::new(text))
}

fn if_identical(text: &str) -> Option<IfIdentical> {
    serde_json::from_value(Value::from(text)).ok()
}

#[cfg(test)]
mod tests;
