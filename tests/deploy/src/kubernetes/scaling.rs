//! What changes the number of pods.

use serde_json::Value;

use super::configuration::Configured;
use super::manifests::{Manifests, name};
use super::references::list;

pub(super) fn complaints(manifests: &Manifests) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut scaled: Vec<String> = Vec::new();
    for scaler in manifests
        .of("HorizontalPodAutoscaler")
        .chain(manifests.of("ScaledObject"))
    {
        let target = scaler["spec"]["scaleTargetRef"]["name"].as_str();
        let target = target.unwrap_or_default().to_owned();
        match manifests.find("Deployment", &target) {
            None => complaints.push(format!(
                "{} scales {target}, which is not there",
                name(scaler)
            )),
            // Each rendering would set the number anew.
            Some(deployment) if !deployment["spec"]["replicas"].is_null() => {
                complaints.push(format!("{target} has a number of replicas and is scaled"));
            }
            Some(_) => {}
        }
        if scaled.contains(&target) {
            complaints.push(format!("{target} is scaled twice"));
        }
        scaled.push(target);
    }
    for object in manifests.of("ScaledObject") {
        complaints.extend(by_queue(manifests, object));
    }
    complaints
}

/// A ScaledObject follows the queue of the region that its workers serve.
fn by_queue(manifests: &Manifests, object: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    let target = &object["spec"]["scaleTargetRef"]["name"];
    let workloads = manifests.workloads();
    let Some(workload) = workloads.iter().find(|it| *target == it.name.as_str()) else {
        return complaints;
    };
    // What can't be read is said elsewhere.
    let Ok(configured) = Configured::read(manifests, workload) else {
        return complaints;
    };
    let config = &configured.facts.config;
    let Ok(worker) = config.worker() else {
        return complaints;
    };
    let queue = format!("{}.{}", config.rabbitmq.queue_prefix, worker.region);
    let triggers = list(&object["spec"]["triggers"]);
    let mut queues = triggers
        .clone()
        .filter(|it| it["type"] == "rabbitmq")
        .map(|it| &it["metadata"]["queueName"]);
    if !queues.any(|it| *it == queue.as_str()) {
        complaints.push(format!(
            "{} does not look at the queue {queue}",
            name(object)
        ));
    }
    for trigger in triggers {
        let reference = trigger["authenticationRef"]["name"].as_str();
        let is_known =
            reference.is_none_or(|it| manifests.find("TriggerAuthentication", it).is_some());
        if !is_known {
            complaints.push(format!("{} logs in as nobody: {reference:?}", name(object)));
        }
    }
    let most = object["spec"]["maxReplicaCount"]
        .as_u64()
        .unwrap_or(u64::MAX);
    let copies = most.saturating_mul(worker.copies.get() as u64);
    let limit = config.scheduler.limits.copies_per_destination;
    if copies > limit {
        complaints.push(format!(
            "{}: {copies} copies have workers, and {limit} are allowed into {}",
            name(object),
            worker.region
        ));
    }
    complaints
}
