//! What reads `deploy/` as its users will: the images' recipe, the compose file and the Kubernetes manifests.
//!
//! Nothing here needs a container engine or a cluster. The checks are functions from what was read to complaints, so
//! that the tests can hold them against the real files, where there must be none, and against broken ones.

pub mod build_context;
pub mod compose;
pub mod dockerfile;
pub mod image_tree;
pub mod kubernetes;
mod program;
pub mod repository;
mod service;

pub use service::{Facts, SERVICES, facts};
