//! What names something else: what it names exists.

use serde_json::{Value, json};

use super::manifests::{Manifests, name};
use super::selector::takes;
use super::workload::Workload;

pub(super) fn complaints(manifests: &Manifests) -> Vec<String> {
    let workloads = manifests.workloads();
    let mut complaints = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            complaints.push(what);
        }
    };
    for budget in manifests.of("PodDisruptionBudget") {
        let selector = &budget["spec"]["selector"];
        let selected = selected(&workloads, selector).count();
        expect(
            selected == 1 && *selector != json!({}),
            format!("the budget {} is one of {selected} workloads", name(budget)),
        );
    }
    for workload in workloads.iter().filter(|it| it.is_written) {
        let account = workload.pod["serviceAccountName"].as_str();
        if let Some(account) = account {
            let known = manifests.find("ServiceAccount", account);
            expect(
                known.is_some_and(|it| it["automountServiceAccountToken"] == false),
                format!("{}: the account {account} has a token", workload.name),
            );
        }
        if crate::SERVICES.contains(&workload.role()) {
            expect(
                account.is_some(),
                format!("{} has no account of its own", workload.name),
            );
            let budgets = manifests.of("PodDisruptionBudget");
            let mut budgets = budgets.filter(|it| takes(&it["spec"]["selector"], &workload.labels));
            expect(
                budgets.next().is_some(),
                format!("{} has no disruption budget", workload.name),
            );
        }
    }
    for service in manifests.of("Service") {
        let labels = &service["spec"]["selector"];
        if labels.is_null() {
            continue;
        }
        let selector = json!({"matchLabels": labels});
        let mut behind = selected(&workloads, &selector).peekable();
        expect(
            behind.peek().is_some(),
            format!("nothing is behind the service {}", name(service)),
        );
        let ports: Vec<&Value> = list(&service["spec"]["ports"]).collect();
        for workload in behind {
            for port in &ports {
                let target = match &port["targetPort"] {
                    Value::Null => &port["port"],
                    target => target,
                };
                expect(
                    workload.has_port(target),
                    format!(
                        "{} leads to no port {target} of {}",
                        name(service),
                        workload.name
                    ),
                );
            }
        }
    }
    for ingress in manifests.of("Ingress") {
        let paths = list(&ingress["spec"]["rules"]).flat_map(|rule| list(&rule["http"]["paths"]));
        for path in paths {
            let backend = &path["backend"]["service"];
            let service = backend["name"].as_str().unwrap_or_default();
            let known = manifests.find("Service", service);
            let port = known.is_some_and(|it| {
                list(&it["spec"]["ports"]).any(|port| port["name"] == backend["port"]["name"])
            });
            expect(
                port,
                format!(
                    "{} sends {} to nowhere: {service}",
                    name(ingress),
                    path["path"]
                ),
            );
        }
    }
    complaints
}

pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> + Clone {
    value.as_array().into_iter().flatten()
}

fn selected<'a>(
    workloads: &'a [Workload],
    selector: &'a Value,
) -> impl Iterator<Item = &'a Workload> {
    workloads
        .iter()
        .filter(move |workload| takes(selector, &workload.labels))
}
