//! The contract between the services: gRPC `imagereplicator.v1` and the AMQP message `CopyJob`.
//!
//! [`v1`] is generated from `imagereplicator/v1/*.proto` and checked in, so that building needs no
//! protocol compiler; `tests/bindings_are_current.rs` fails when it is stale. [`convert`] turns the
//! generated types into those of the domain and names the field that does not fit.

pub mod convert;

/// Metadata of a failed call that tells that nothing was done, and why.
pub const NOT_DONE: &str = "image-replicator-not-done";
/// The reason under [`NOT_DONE`]: the scheduler's store has no room for anything new.
pub const STORE_FULL: &str = "store-full";

/// Metadata of each answer of a scheduler, refusals included, once it has seen its store: the store's identity. Another one
/// than before means that the store was wiped, fell back to an older state or is another one.
pub const STORE: &str = "image-replicator-store";

/// Generated types of `imagereplicator.v1`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::doc_markdown
)]
pub mod v1 {
    include!("gen/imagereplicator.v1.rs");
}
