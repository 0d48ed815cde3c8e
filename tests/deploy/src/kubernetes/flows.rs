//! Who may talk to whom: as the NetworkPolicies allow it, and as ARCHITECTURE.md says it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::manifests::{Manifests, name};
use super::references::list;
use super::selector::takes;
use super::workload::Workload;

/// Somebody who may begin to talk to somebody.
pub type Flow = (String, String);

/// What the policies of an overlay allow, and what is wrong with them.
#[derive(Debug, Default)]
pub struct Allowed {
    /// Who may begin to talk to whom.
    pub flows: BTreeSet<Flow>,
    /// What is wrong.
    pub complaints: Vec<String>,
}

/// One side of an allowance: from, to, and the port.
type Side = BTreeSet<(String, String, String)>;

/// Reads all NetworkPolicies.
#[must_use]
pub fn allowed(manifests: &Manifests) -> Allowed {
    let mut allowed = Allowed::default();
    let workloads = manifests.workloads();
    let (mut out, mut into): (Side, Side) = Default::default();
    for policy in manifests.of("NetworkPolicy") {
        let selector = &policy["spec"]["podSelector"];
        let selected: Vec<&Workload> = of(&workloads, selector).collect();
        if selected.is_empty() {
            let complaint = format!("the policy {} is about no pods", name(policy));
            allowed.complaints.push(complaint);
        }
        for rule in list(&policy["spec"]["egress"]) {
            for (peer, pods) in peers(&workloads, rule, "to") {
                for port in ports(rule) {
                    allowed.check_ports(policy, &pods, &port);
                    for workload in &selected {
                        out.insert((workload.role().to_owned(), peer.clone(), shown(&port)));
                    }
                }
            }
        }
        for rule in list(&policy["spec"]["ingress"]) {
            for (peer, _) in peers(&workloads, rule, "from") {
                for port in ports(rule) {
                    allowed.check_ports(policy, &selected, &port);
                    for workload in &selected {
                        into.insert((peer.clone(), workload.role().to_owned(), shown(&port)));
                    }
                }
            }
        }
    }
    allowed.check_isolation(manifests, &workloads);
    let inside: BTreeSet<&str> = workloads.iter().map(Workload::role).collect();
    // Between two pods of ours both sides have to allow it.
    for (from, to, port) in out.union(&into) {
        let side = (from.clone(), to.clone(), port.clone());
        let is_inside = inside.contains(from.as_str()) && inside.contains(to.as_str());
        if is_inside && !(out.contains(&side) && into.contains(&side)) {
            let complaint = format!("{from} to {to} on {port} is allowed on one side alone");
            allowed.complaints.push(complaint);
            continue;
        }
        allowed.flows.insert((from.clone(), to.clone()));
    }
    allowed
}

/// The table of ARCHITECTURE.md, as far as it is about this overlay.
#[must_use]
pub fn stated(architecture: &str, overlay: &str) -> BTreeSet<Flow> {
    let (_, section) = architecture
        .split_once("## Who talks to whom\n")
        .unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|cells| {
            cells
                .get(4)
                .is_some_and(|it| *it == "always" || *it == overlay)
        })
        .flat_map(|cells| {
            let (from, to) = (cells[1].to_owned(), cells[2].to_owned());
            let to = to.split(", ").map(str::to_owned).collect::<Vec<_>>();
            let from: Vec<String> = from.split(", ").map(str::to_owned).collect();
            from.into_iter()
                .flat_map(move |from| to.clone().into_iter().map(move |to| (from.clone(), to)))
        })
        .collect()
}

// === impl Allowed ===

impl Allowed {
    fn check_ports(&mut self, policy: &Value, pods: &[&Workload], port: &Value) {
        for workload in pods {
            if !workload.has_port(&port["port"]) {
                self.complaints.push(format!(
                    "the policy {} names the port {}, which {} does not have",
                    name(policy),
                    port["port"],
                    workload.name
                ));
            }
        }
    }

    /// Pods that no policy is about may do everything.
    fn check_isolation(&mut self, manifests: &Manifests, workloads: &[Workload]) {
        for workload in workloads {
            for direction in ["Ingress", "Egress"] {
                let is_isolated = manifests.of("NetworkPolicy").any(|policy| {
                    let mut types = list(&policy["spec"]["policyTypes"]);
                    types.any(|it| it == direction)
                        && takes(&policy["spec"]["podSelector"], &workload.labels)
                });
                if !is_isolated {
                    let name = &workload.name;
                    let complaint = format!("no policy is about what {name} does: {direction}");
                    self.complaints.push(complaint);
                }
            }
        }
    }
}

fn of<'a>(workloads: &'a [Workload], selector: &'a Value) -> impl Iterator<Item = &'a Workload> {
    workloads
        .iter()
        .filter(move |workload| takes(selector, &workload.labels))
}

/// The other side of a rule: its name, and its pods if they are ours.
fn peers<'a>(
    workloads: &'a [Workload],
    rule: &Value,
    side: &str,
) -> Vec<(String, Vec<&'a Workload>)> {
    if rule[side].is_null() {
        return vec![("everybody".to_owned(), Vec::new())];
    }
    let mut peers = Vec::new();
    for peer in list(&rule[side]) {
        if peer["namespaceSelector"].is_null() && peer["ipBlock"].is_null() {
            let pods = workloads
                .iter()
                .filter(|it| takes(&peer["podSelector"], &it.labels));
            peers.extend(pods.map(|it| (it.role().to_owned(), vec![it])));
        } else {
            peers.push((outside(peer), Vec::new()));
        }
    }
    peers
}

/// What ARCHITECTURE.md calls those who are not in the namespace.
fn outside(peer: &Value) -> String {
    let labels = &peer["namespaceSelector"]["matchLabels"];
    let namespace = labels["kubernetes.io/metadata.name"].as_str();
    let pods = &peer["podSelector"]["matchLabels"];
    let name = match namespace {
        Some("ingress-nginx") => "callers",
        Some("monitoring") => "monitoring",
        Some("keda") => "autoscaler",
        Some("openstack") => "OpenStack",
        Some("kube-system") if pods["k8s-app"] == "kube-dns" => "names",
        // The only addresses that are told by number.
        None if peer["ipBlock"]["cidr"].is_string() && peer["ipBlock"]["cidr"] != "0.0.0.0/0" => {
            "OpenStack"
        }
        _ => "somebody",
    };
    name.to_owned()
}

/// The ports of a rule; none said: all of them.
fn ports(rule: &Value) -> Vec<Value> {
    match rule["ports"].as_array() {
        Some(ports) => ports.clone(),
        None => vec![json!({"port": "every"})],
    }
}

fn shown(port: &Value) -> String {
    let protocol = port["protocol"].as_str().unwrap_or("TCP");
    format!("{protocol} {}", port["port"])
}
