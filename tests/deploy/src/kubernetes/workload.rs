//! What runs pods: a Deployment, a StatefulSet, or a RabbitMQ cluster, whose pods its operator makes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Pods that are all alike.
#[derive(Debug)]
pub struct Workload {
    /// The manifest's name.
    pub name: String,
    /// The pods' labels.
    pub labels: BTreeMap<String, String>,
    /// The pods' specification.
    pub pod: Value,
    /// Whether the manifest has it; the operator's pods are only told apart and connected to.
    pub is_written: bool,
}

/// A container's port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// Its name, if it has one.
    pub name: String,
    /// Its number.
    pub number: u64,
}

// === impl Workload ===

impl Workload {
    /// What a manifest runs; none: it runs no pods.
    pub(super) fn of(manifest: &Value) -> Option<Self> {
        let name = manifest["metadata"]["name"].as_str()?.to_owned();
        match manifest["kind"].as_str()? {
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => {
                let template = &manifest["spec"]["template"];
                Some(Self {
                    name,
                    labels: texts(&template["metadata"]["labels"]),
                    pod: template["spec"].clone(),
                    is_written: true,
                })
            }
            "RabbitmqCluster" => Some(Self {
                labels: texts(&json!({
                    "app.kubernetes.io/name": name,
                    "app.kubernetes.io/component": "rabbitmq",
                    "app.kubernetes.io/part-of": "rabbitmq",
                })),
                pod: rabbitmq_pod(&manifest["spec"]),
                name,
                is_written: false,
            }),
            _ => None,
        }
    }

    /// What it is, whichever region it serves.
    #[must_use]
    pub fn role(&self) -> &str {
        self.labels
            .get("app.kubernetes.io/name")
            .map_or(&self.name, String::as_str)
    }

    /// All its containers, those that run first included.
    pub fn containers(&self) -> impl Iterator<Item = &Value> {
        ["initContainers", "containers"]
            .into_iter()
            .flat_map(|list| self.pod[list].as_array().into_iter().flatten())
    }

    /// All its containers' ports.
    #[must_use]
    pub fn ports(&self) -> BTreeSet<Port> {
        self.containers().flat_map(ports).collect()
    }

    /// Whether a NetworkPolicy's, a Service's or a probe's port is one of its own.
    #[must_use]
    pub fn has_port(&self, port: &Value) -> bool {
        self.ports().iter().any(|it| is(it, port))
    }
}

/// Whether `port`, a name or a number, means this one.
pub(super) fn is(this: &Port, port: &Value) -> bool {
    port.as_u64() == Some(this.number) || port.as_str() == Some(&this.name)
}

/// A container's ports.
pub(super) fn ports(container: &Value) -> impl Iterator<Item = Port> + '_ {
    let list = container["ports"].as_array().into_iter().flatten();
    list.filter_map(|port| {
        Some(Port {
            name: port["name"].as_str().unwrap_or_default().to_owned(),
            number: port["containerPort"].as_u64()?,
        })
    })
}

/// The texts of an object.
pub(super) fn texts(object: &Value) -> BTreeMap<String, String> {
    let entries = object.as_object().into_iter().flatten();
    entries
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// The ports of the pods that RabbitMQ's cluster operator makes (its `internal/resource/statefulset.go`). Between nodes Erlang
/// also uses 25672, which that file leaves to Erlang.
fn rabbitmq_pod(spec: &Value) -> Value {
    let mut ports = vec![
        ("epmd", 4369),
        ("dist", 25672),
        ("amqp", 5672),
        ("management", 15672),
        ("prometheus", 15692),
    ];
    if spec["tls"]["secretName"].is_string() {
        ports.extend([
            ("amqps", 5671),
            ("management-tls", 15671),
            ("prometheus-tls", 15691),
        ]);
    }
    if spec["tls"]["disableNonTLSListeners"] == true {
        ports.retain(|(name, _)| !["amqp", "management", "prometheus"].contains(name));
    }
    let ports: Vec<Value> = ports
        .into_iter()
        .map(|(name, number)| json!({"name": name, "containerPort": number}))
        .collect();
    json!({"containers": [{"name": "rabbitmq", "image": spec["image"], "resources": spec["resources"], "ports": ports}]})
}
