//! All manifests of one overlay.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

use super::workload::Workload;
use crate::program::said;
use crate::repository;

/// What an overlay renders.
#[derive(Debug, Clone)]
pub struct Manifests(pub Vec<Value>);

/// kubectl, which renders; none: it is not installed here. Debian has no package of it.
#[must_use]
pub fn kubectl() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join("kubectl"))
        .find(|program| program.is_file())
}

/// Renders the overlay of this name.
///
/// # Errors
/// When kubectl refuses it.
pub fn render(kubectl: &PathBuf, overlay: &str) -> anyhow::Result<Manifests> {
    let mut command = Command::new(kubectl);
    command
        .current_dir(repository::root())
        .arg("kustomize")
        .arg(format!("deploy/kubernetes/overlays/{overlay}"));
    let text = said(&mut command)?;
    let documents = yaml_serde::Deserializer::from_str(&text);
    let documents: Result<Vec<Value>, _> = documents.map(Value::deserialize).collect();
    Ok(Manifests(documents.context("what kubectl prints is YAML")?))
}

// === impl Manifests ===

impl Manifests {
    /// All of a kind.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> + 'a {
        self.0.iter().filter(move |it| it["kind"] == kind)
    }

    /// One, by kind and name.
    #[must_use]
    pub fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|it| it["kind"] == kind && it["metadata"]["name"] == name)
    }

    /// Everything that runs pods.
    #[must_use]
    pub fn workloads(&self) -> Vec<Workload> {
        self.0.iter().filter_map(Workload::of).collect()
    }
}

/// The name of a manifest, for a complaint.
pub(super) fn name(manifest: &Value) -> &str {
    manifest["metadata"]["name"].as_str().unwrap_or("nameless")
}
