//! What reads `deploy/` as its users will: the images' recipe, the compose file and the Kubernetes manifests; and the threat model of
//! `docs/security.md`.
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
pub mod threat_model;

pub use service::{COMMAND_LINE, Facts, SERVICES, facts, programs};
