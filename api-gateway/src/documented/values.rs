//! Values of requests that no Rust type describes well enough, as the API document describes them: what they say there is
//! what the parsers take, and a fuzzer that reads the document holds them to it.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

/// A UUID with or without dashes.
pub(crate) struct PlainUuid;

/// A whole number of any number of digits.
pub(crate) struct WholeNumber;

/// A whole number that 32 bits hold; clients also send it as a text.
pub(crate) struct NumberOrDigits;

/// A field of a schedule: a text, or a number.
pub(crate) struct TextOrNumber;

/// A status of jobs, or several with commas between them.
pub(crate) struct JobStatuses;

/// A status of images by the compute API's name or by Glance's.
pub(crate) struct ImageStatusName;

macro_rules! documented {
    ($($name:ident: $schema:expr),+ $(,)?) => {
        $(
            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    $schema.build().into()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

documented!(
    PlainUuid: text()
        .description(Some("A UUID with or without dashes."))
        .pattern(Some(concat!(
            "^([0-9a-fA-F]{32}",
            "|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$",
        )))
        .examples(["91b5c7c09cbd45caa3c146fd67ae471e"]),
    WholeNumber: ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0_u64)),
    NumberOrDigits: either(Type::Integer)
        .description(Some("A whole number; as a text, its digits."))
        .minimum(Some(0_u64))
        .maximum(Some(u64::from(u32::MAX)))
        .pattern(Some("^[0-9]{1,9}$")),
    TextOrNumber: either(Type::Integer)
        .description(Some("A text, or a whole number that stands for its digits."))
        .min_length(Some(1)),
    JobStatuses: text().pattern(Some(concat!(
        "^(replicate_requested|replicating|replicated|cancel_requested|canceling|canceled|error)",
        "(,(replicate_requested|replicating|replicated|cancel_requested|canceling|canceled|error))*$",
    ))),
    ImageStatusName: text().enum_values(Some([
        "ACTIVE", "SAVING", "DELETED", "ERROR", "UNKNOWN", "active", "saving", "deleted", "error",
        "unknown", "queued", "uploading", "importing", "deactivated", "killed", "pending_delete",
    ])),
);

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A text or something else.
fn either(other: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Array(vec![Type::String, other]))
}
