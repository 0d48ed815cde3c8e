//! Our services' configuration, as each pod gets it, read by the services' own parser and held against the pod.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use serde_json::Value;

use super::manifests::Manifests;
use super::workload::{self, Workload, texts};
use crate::{Facts, SERVICES, facts};

const FILE: &str = "image-replicator.toml";
const DIRECTORY: &str = "/etc/image-replicator";

pub(super) fn complaints(manifests: &Manifests) -> Vec<String> {
    let mut complaints = Vec::new();
    for workload in manifests.workloads() {
        if !SERVICES.contains(&workload.role()) {
            continue;
        }
        match Configured::read(manifests, &workload) {
            Ok(configured) => complaints.extend(configured.complaints(&workload)),
            Err(error) => complaints.push(format!("{}: {error:#}", workload.name)),
        }
    }
    for service in SERVICES {
        if !manifests.workloads().iter().any(|it| it.role() == service) {
            complaints.push(format!("there is no {service}"));
        }
    }
    complaints
}

/// A service in its pod.
pub(super) struct Configured {
    pub(super) facts: Facts,
    file: String,
    environment: BTreeMap<String, String>,
    container: Value,
}

impl Configured {
    /// What the service of this workload makes of what its pods get.
    pub(super) fn read(manifests: &Manifests, workload: &Workload) -> anyhow::Result<Self> {
        let service = workload.role();
        let container = workload
            .containers()
            .find(|container| container["name"] == service)
            .with_context(|| format!("no container is named {service}"))?;
        let file = file(manifests, workload, container)?;
        let environment = environment(manifests, workload, container)?;
        Ok(Self {
            facts: facts(service, &file, &environment)?,
            file,
            environment,
            container: container.clone(),
        })
    }

    fn complaints(&self, workload: &Workload) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut expect = |holds: bool, what: String| {
            if !holds {
                complaints.push(format!("{}: {what}", workload.name));
            }
        };
        let facts = &self.facts;
        expect(
            facts.listens_everywhere,
            "it listens on loopback alone".to_owned(),
        );
        let expected: BTreeSet<u64> = facts
            .port
            .into_iter()
            .chain([facts.admin_port])
            .map(u64::from)
            .collect();
        let ports: BTreeSet<u64> = workload::ports(&self.container)
            .map(|port| port.number)
            .collect();
        expect(
            ports == expected,
            format!("it has the ports {ports:?} and listens on {expected:?}"),
        );
        for (probe, path) in [
            ("startupProbe", "/healthz"),
            ("livenessProbe", "/healthz"),
            ("readinessProbe", "/readyz"),
        ] {
            let get = &self.container[probe]["httpGet"];
            let is_admin = workload::ports(&self.container).any(|port| {
                port.number == u64::from(facts.admin_port) && workload::is(&port, &get["port"])
            });
            expect(
                is_admin && get["path"] == path,
                format!("{probe} does not ask {path} of the admin port"),
            );
        }
        let grace = workload.pod["terminationGracePeriodSeconds"].as_u64();
        expect(
            grace == Some(facts.grace.as_secs()),
            format!(
                "it is killed after {grace:?} seconds, and expects {:?}",
                facts.grace
            ),
        );
        expect(
            grace.is_some_and(|grace| grace > facts.drain.as_secs()),
            format!("it is killed in its drain of {:?}", facts.drain),
        );
        let mounted = mounted_secrets(workload, &self.container);
        for path in self.files(workload.role()) {
            let is_there = mounted
                .iter()
                .any(|known| path == *known || path.starts_with(&format!("{known}/")));
            expect(is_there, format!("nothing is mounted at {path}"));
        }
        complaints
    }

    /// The files that the configuration names, as far as the service reads them.
    fn files(&self, service: &str) -> Vec<String> {
        let table: toml::Table = self.file.parse().unwrap_or_default();
        let mut files = Vec::new();
        collect_files(&table, "", &mut files);
        for (name, value) in &self.environment {
            let Some(path) = name.strip_prefix("IMAGE_REPLICATOR__") else {
                continue;
            };
            let path = path.to_ascii_lowercase().replace("__", ".");
            if path.ends_with("_file") {
                files.retain(|(known, _)| *known != path);
                files.push((path, value.clone()));
            }
        }
        files.retain(|(key, _)| match service {
            // It never talks to OpenStack.
            "job-scheduler" => !key.starts_with("regions."),
            // It alone talks to Redis.
            _ => !key.starts_with("redis."),
        });
        files.into_iter().map(|(_, path)| path).collect()
    }
}

fn collect_files(table: &toml::Table, above: &str, files: &mut Vec<(String, String)>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => collect_files(inner, &format!("{above}{key}."), files),
            toml::Value::String(path) if key.ends_with("_file") => {
                files.push((format!("{above}{key}"), path.clone()));
            }
            _ => {}
        }
    }
}

/// The configuration file in the container.
fn file(manifests: &Manifests, workload: &Workload, container: &Value) -> anyhow::Result<String> {
    let mounts = container["volumeMounts"].as_array().into_iter().flatten();
    let mount = mounts
        .clone()
        .find(|mount| mount["mountPath"] == DIRECTORY)
        .with_context(|| format!("nothing is mounted at {DIRECTORY}"))?;
    if !mount["subPath"].is_null() {
        bail!("a configuration that is mounted by subPath never changes");
    }
    let volumes = workload.pod["volumes"].as_array().into_iter().flatten();
    let volume = volumes
        .clone()
        .find(|volume| volume["name"] == mount["name"])
        .context("the configuration's volume is missing")?;
    let name = volume["configMap"]["name"].as_str().unwrap_or_default();
    let map = manifests
        .find("ConfigMap", name)
        .with_context(|| format!("there is no ConfigMap {name}"))?;
    let text = map["data"][FILE].as_str();
    Ok(text
        .with_context(|| format!("{name} has no {FILE}"))?
        .to_owned())
}

/// The environment of the container.
fn environment(
    manifests: &Manifests,
    workload: &Workload,
    container: &Value,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut environment = BTreeMap::new();
    for source in container["envFrom"].as_array().into_iter().flatten() {
        let name = source["configMapRef"]["name"].as_str().unwrap_or_default();
        let map = manifests
            .find("ConfigMap", name)
            .with_context(|| format!("there is no ConfigMap {name}"))?;
        environment.extend(texts(&map["data"]));
    }
    for variable in container["env"].as_array().into_iter().flatten() {
        let name = variable["name"].as_str().unwrap_or_default().to_owned();
        let field = variable["valueFrom"]["fieldRef"]["fieldPath"].as_str();
        let value = match (variable["value"].as_str(), field) {
            (Some(value), _) => value.to_owned(),
            (None, Some(field)) => {
                let label = field
                    .strip_prefix("metadata.labels['")
                    .and_then(|it| it.strip_suffix("']"))
                    .unwrap_or_default();
                let value = workload.labels.get(label);
                value
                    .with_context(|| format!("no label is {field}"))?
                    .clone()
            }
            (None, None) => bail!("{name} is neither a value nor a label"),
        };
        environment.insert(name, value);
    }
    Ok(environment)
}

/// Where secrets are in the container: files, or directories of which the keys are not said.
fn mounted_secrets(workload: &Workload, container: &Value) -> Vec<String> {
    let mut places = Vec::new();
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        let place = mount["mountPath"].as_str().unwrap_or_default();
        let volumes = workload.pod["volumes"].as_array().into_iter().flatten();
        for volume in volumes.filter(|volume| volume["name"] == mount["name"]) {
            let sources = volume["projected"]["sources"].as_array();
            for source in sources.into_iter().flatten().chain([volume]) {
                let secret = &source["secret"];
                match secret["items"].as_array() {
                    Some(items) => places.extend(
                        items
                            .iter()
                            .filter_map(|item| Some(format!("{place}/{}", item["path"].as_str()?))),
                    ),
                    None if secret.is_object() => places.push(place.to_owned()),
                    None => {}
                }
            }
        }
    }
    places
}
