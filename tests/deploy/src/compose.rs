//! The compose file as docker-compose understands it, and what it must say.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use crate::program::said;
use crate::{SERVICES, facts, repository};

const FILE: &str = "deploy/compose.yaml";

/// What Redis must be started with (docs/durability.md).
const DURABLE: [&str; 4] = [
    "--appendonly yes",
    "--appendfsync always",
    "--no-appendfsync-on-rewrite no",
    "--maxmemory-policy noeviction",
];

/// The file with all that it refers to put in its place, as `docker-compose config` gives it.
///
/// # Errors
/// When docker-compose refuses it.
pub fn read(docker_compose: &Path) -> anyhow::Result<Value> {
    let mut command = Command::new(docker_compose);
    command
        .current_dir(repository::root())
        .args(["-f", FILE, "--env-file", "deploy/compose/example.env"])
        .arg("config");
    yaml_serde::from_str(&said(&mut command)?).context("what docker-compose prints is YAML")
}

/// What is wrong with it.
///
/// # Errors
/// When the sample configuration can't be read.
pub fn complaints(file: &Value) -> anyhow::Result<Vec<String>> {
    let mut complaints = Vec::new();
    let services = file["services"].as_object();
    for (name, service) in services.into_iter().flatten() {
        complaints.extend(everybody(name, service));
        if SERVICES.contains(&name.as_str()) {
            complaints.extend(ours(name, service)?);
        }
    }
    for name in SERVICES {
        if file["services"][name].is_null() {
            complaints.push(format!("there is no {name}"));
        }
    }
    let redis = &file["services"]["redis"];
    for setting in DURABLE {
        if !text(&redis["command"]).contains(setting) {
            complaints.push(format!("redis is started without {setting}"));
        }
    }
    let volumes = redis["volumes"].as_array();
    let kept = |volume: &Value| text(volume).starts_with("redis:/data");
    if !volumes.is_some_and(|volumes| volumes.iter().any(kept)) {
        complaints.push("redis keeps its data in no volume".to_owned());
    }
    Ok(complaints)
}

/// A scalar as a text; of a list, its members with spaces between.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(" "),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn everybody(name: &str, service: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    let image = text(&service["image"]);
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
    if !tag.contains('.') {
        complaints.push(format!("{name} has an image without a version: {image}"));
    }
    let limits = &service["deploy"]["resources"]["limits"];
    if limits["cpus"].is_null() || limits["memory"].is_null() {
        complaints.push(format!("{name} has no limits"));
    }
    for volume in service["volumes"].as_array().into_iter().flatten() {
        let volume = text(volume);
        let (from, _) = volume.split_once(':').unwrap_or((&volume, ""));
        if from.starts_with('/') && !Path::new(from).is_file() {
            complaints.push(format!("{name} mounts {from}, which is no file"));
        }
    }
    for port in service["ports"].as_array().into_iter().flatten() {
        let is_local = text(port).starts_with("127.0.0.1:");
        if name != "api-gateway" && !is_local {
            complaints.push(format!("{name} is reached from outside"));
        }
    }
    complaints
}

fn ours(name: &str, service: &Value) -> anyhow::Result<Vec<String>> {
    let mut complaints = Vec::new();
    for (key, expected) in [
        ("read_only", "true"),
        ("cap_drop", "ALL"),
        ("security_opt", "no-new-privileges:true"),
    ] {
        if text(&service[key]) != expected {
            complaints.push(format!("{name}: {key} is not {expected}"));
        }
    }
    let build = &service["build"];
    if text(&build["dockerfile"]) != "deploy/Dockerfile" || text(&build["target"]) != name {
        complaints.push(format!("{name} is built from {build}"));
    }
    let environment: BTreeMap<String, String> = service["environment"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), text(value)))
        .collect();
    let mounted = service["volumes"].as_array();
    let file = "/deploy/image-replicator.toml:/etc/image-replicator/image-replicator.toml:ro";
    if !mounted.is_some_and(|it| it.iter().any(|volume| text(volume).ends_with(file))) {
        complaints.push(format!("{name} has no configuration file"));
    }
    let sample = repository::read("deploy/image-replicator.toml")?;
    match facts(name, &sample, &environment) {
        Ok(facts) => {
            if !facts.listens_everywhere {
                complaints.push(format!("{name} listens on loopback alone"));
            }
            let grace = text(&service["stop_grace_period"]);
            let seconds = grace.strip_suffix('s').and_then(|it| it.parse().ok());
            if seconds != Some(facts.grace.as_secs()) {
                complaints.push(format!(
                    "{name} is killed after {grace}, and expects {:?}",
                    facts.grace
                ));
            }
        }
        Err(error) => complaints.push(format!("{error:#}")),
    }
    Ok(complaints)
}
