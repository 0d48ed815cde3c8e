//! The failures of each operation, as the API document lists them. The texts and codes themselves are
//! made in `fault.rs`; `#[utoipa::path]` lines cannot share response lists in any other way.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
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

macro_rules! faults {
    ($(#[$doc:meta])* $name:ident: $($documented:expr),+ $(,)?) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$($documented),+].into_iter().map(described).collect()
            }
        }
    };
}

faults!(
    /// Of a copy.
    CopyFaults:
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
        "The scheduler or a region's Keystone is out of reach. When the job may exist all the same, \
         the text names it.",
    ),
);

faults!(
    /// Of a list.
    ListFaults:
    ("400", "The query has an unknown key or a value that does not fit."),
    UNAUTHENTICATED, FORBIDDEN, TOO_MANY, DEFECT, UNAVAILABLE,
);

faults!(
    /// Of whatever shows one job.
    ShowFaults: UNAUTHENTICATED, FORBIDDEN, NO_SUCH_JOB, TOO_MANY, DEFECT, UNAVAILABLE,
);

faults!(
    /// Of a cancel.
    CancelFaults:
    UNAUTHENTICATED, FORBIDDEN, NO_SUCH_JOB,
    ("409", "The job is over or is being canceled already."),
    TOO_MANY, DEFECT, UNAVAILABLE,
);

faults!(
    /// Of the stream of all jobs.
    EventsFaults:
    ("400", "`Last-Event-ID` is no event id, or there is a query."),
    UNAUTHENTICATED, FORBIDDEN, TOO_MANY, DEFECT, UNAVAILABLE,
);

fn described((code, description): Documented) -> (String, RefOr<Response>) {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(
            "`<code> <reason>`, an empty line, what is wrong, an empty line.",
        ))
        .build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content(
            "text/plain; charset=UTF-8",
            ContentBuilder::new().schema(Some(text)).build(),
        )
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
