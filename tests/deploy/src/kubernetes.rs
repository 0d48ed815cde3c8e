//! The Kubernetes manifests as an overlay renders them, and what they must say.

mod configuration;
pub mod flows;
mod manifests;
mod pods;
mod references;
mod scaling;
pub mod schemas;
mod secrets;
mod selector;
mod workload;

pub use manifests::{Manifests, kubectl, render};
pub use workload::Workload;

/// What is wrong with what an overlay renders. What is allowed to talk to whom is another question: [`flows`].
#[must_use]
pub fn complaints(manifests: &Manifests) -> Vec<String> {
    [
        pods::complaints(manifests),
        configuration::complaints(manifests),
        references::complaints(manifests),
        scaling::complaints(manifests),
        secrets::complaints(manifests),
    ]
    .concat()
}
