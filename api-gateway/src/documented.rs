//! The failures of each operation, as the API document lists them. The texts and codes themselves are
//! made in `fault.rs` and the styles beside it; `#[utoipa::path]` lines cannot share response lists in any other way.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, RefOr, Response, ResponseBuilder};

type Documented = (&'static str, &'static str);

const UNAUTHENTICATED: Documented = (
    "401",
    "No token, or one that is unknown, expired or not scoped to a project. Existing clients take a \
     new token and repeat the request.",
);
const NO_RIGHTS: Documented = (
    "401",
    "No valid token; or the caller has none of the roles that a copy needs on the destination \
     tenant (the text says which it is).",
);
const FORBIDDEN: Documented = ("403", "The caller's roles do not allow the operation.");
const NO_SUCH_JOB: Documented = (
    "404",
    "The job does not exist, is not the caller's, or its id is no UUID.",
);
const TOO_MANY: Documented = (
    "429",
    "A limit of the project: requests a second, open jobs or open event streams.",
);
const DEFECT: Documented = ("500", "A fault of this service.");
const UNAVAILABLE: Documented = ("503", "The scheduler or Keystone is out of reach.");

const BAD_PROJECT: Documented = ("400", "The path names another project than the token's.");
const NO_GLANCE: Documented = ("503", "The image service or Keystone is out of reach.");

macro_rules! faults {
    ($(#[$doc:meta])* $name:ident in $style:ident: $($documented:expr),+ $(,)?) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let described = |documented| described(documented, $style());
                [$($documented),+].into_iter().map(described).collect()
            }
        }
    };
}

mod plans;
mod values;

pub(crate) use values::{
    ImageStatusName, JobStatuses, NumberOrDigits, PlainUuid, TextOrNumber, WholeNumber,
};

pub(crate) use plans::{
    PlanChangeFaults, PlanDeleteFaults, PlanFaults, PlanListFaults, PlanWriteFaults,
};

faults!(
    /// Of a copy.
    CopyFaults in text:
    (
        "400",
        "The body is not what it must be (the text names the key and the remedy), source and \
         destination are the same, the tenant fits several regions, or Content-Type is missing.",
    ),
    NO_RIGHTS,
    (
        "404",
        "The image does not exist or the caller may not download it; no region knows the \
         destination tenant; the destination refuses images with one of the image's properties.",
    ),
    ("408", "The request body did not arrive in time."),
    (
        "409",
        "The image is not active or has no data, the destination does not support it, a region's \
         Glance is down, the service user lacks a right, or the Idempotency-Key was used for \
         another request.",
    ),
    ("413", "The request body is too large."),
    TOO_MANY,
    DEFECT,
    (
        "503",
        "The scheduler or a region's Keystone is out of reach, or nothing new is accepted for now. When \
         the job may exist all the same, the text names it.",
    ),
);

faults!(
    /// Of a list.
    ListFaults in text:
    ("400", "The query has an unknown key or a value that does not fit."),
    UNAUTHENTICATED, FORBIDDEN, TOO_MANY, DEFECT, UNAVAILABLE,
);

faults!(
    /// Of whatever shows one job.
    ShowFaults in text: UNAUTHENTICATED, FORBIDDEN, NO_SUCH_JOB, TOO_MANY, DEFECT, UNAVAILABLE,
);

faults!(
    /// Of a cancel.
    CancelFaults in text:
    UNAUTHENTICATED, FORBIDDEN, NO_SUCH_JOB,
    ("409", "The job is over or is being canceled already."),
    TOO_MANY, DEFECT, UNAVAILABLE,
);

faults!(
    /// Of the stream of all jobs.
    EventsFaults in text:
    ("400", "`Last-Event-ID` is no event id, or there is a query."),
    UNAUTHENTICATED, FORBIDDEN, TOO_MANY, DEFECT, UNAVAILABLE,
);

faults!(
    /// Of whatever shows one image.
    ImageFaults in compute:
    BAD_PROJECT, UNAUTHENTICATED, FORBIDDEN,
    ("404", "The image does not exist, or not for the caller."),
    TOO_MANY, DEFECT, NO_GLANCE,
);

faults!(
    /// Of one value of an image's metadata.
    MetadataFaults in compute:
    BAD_PROJECT, UNAUTHENTICATED, FORBIDDEN,
    ("404", "The image does not exist, or not for the caller, or it has no such property."),
    TOO_MANY, DEFECT, NO_GLANCE,
);

faults!(
    /// Of a list of images.
    ImageListFaults in compute:
    (
        "400",
        "The path names another project than the token's, or the query has a value that does not \
         fit (the message names the parameter).",
    ),
    UNAUTHENTICATED, FORBIDDEN, TOO_MANY, DEFECT, NO_GLANCE,
);

faults!(
    /// Of a version document.
    VersionFaults in compute:
    ("400", "The Host header is missing or malformed."),
    DEFECT,
);

/// How the failures of an API read.
struct Style {
    media_type: &'static str,
    schema: RefOr<Schema>,
}

fn text() -> Style {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(
            "`<code> <reason>`, an empty line, what is wrong, an empty line.",
        ));
    Style {
        media_type: "text/plain; charset=UTF-8",
        schema: text.build().into(),
    }
}

fn compute() -> Style {
    let code = ObjectBuilder::new().schema_type(Type::Integer).build();
    let message = ObjectBuilder::new().schema_type(Type::String).build();
    let failure = ObjectBuilder::new()
        .property("message", message)
        .property("code", code)
        .required("message")
        .required("code")
        .build();
    let by_kind = ObjectBuilder::new()
        .description(Some(
            "One key that names the kind of failure, for example `itemNotFound`.",
        ))
        .additional_properties(Some(Schema::from(failure)))
        .build();
    Style {
        media_type: "application/json; charset=UTF-8",
        schema: by_kind.into(),
    }
}

fn described((code, description): Documented, style: Style) -> (String, RefOr<Response>) {
    let content = ContentBuilder::new().schema(Some(style.schema)).build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content(style.media_type, content)
        .header("Vary", header("Always `X-Auth-Token`."));
    if code == "401" {
        response = response.header(
            "WWW-Authenticate",
            header("`Keystone uri=\"…\"`: where to get a token."),
        );
    }
    if code == "429" || code == "503" {
        response = response.header(
            "Retry-After",
            header("Seconds to wait before trying again."),
        );
    }
    (code.to_owned(), response.build().into())
}

fn header(description: &str) -> utoipa::openapi::Header {
    HeaderBuilder::new().description(Some(description)).build()
}
