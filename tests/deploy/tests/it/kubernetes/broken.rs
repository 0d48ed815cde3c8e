//! Each check finds what it is for: a manifest is made wrong, as a file of `broken/` says, and the complaint is looked for.

use deploy_checks::kubernetes::{self, Manifests, flows, schemas};
use deploy_checks::repository;
use serde::Deserialize;
use serde_json::{Value, json};
use testbed::OperatorTool;

use super::rendered;

/// What is other than in the overlay, and what is said of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    /// One more manifest; none: the manifest `of` is changed.
    new: Option<Value>,
    /// `Kind/name`.
    #[serde(default)]
    of: String,
    /// A JSON pointer (RFC 6901), or `pod/…` or `container/…` for a place in a workload; without it the manifest is taken away.
    at: Option<String>,
    /// What is there instead; without it there is nothing.
    #[serde(default)]
    is: Value,
    /// A part of the complaint.
    found: String,
}

fn faults(yaml: &str) -> Vec<Fault> {
    let faults: Vec<Fault> = yaml_serde::from_str(yaml).expect("the file is a list of faults");
    assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.found.is_empty()));
    faults
}

/// The overlay with one fault.
fn broken(manifests: &Manifests, fault: &Fault) -> Manifests {
    let mut manifests = manifests.clone();
    if let Some(new) = &fault.new {
        manifests.0.push(new.clone());
        return manifests;
    }
    let (kind, name) = fault.of.split_once('/').expect("Kind/name");
    let index = manifests
        .0
        .iter()
        .position(|it| it["kind"] == kind && it["metadata"]["name"] == name)
        .unwrap_or_else(|| panic!("there is no {}", fault.of));
    match &fault.at {
        None => drop(manifests.0.remove(index)),
        Some(place) => put(&mut manifests.0[index], &pointer(place), fault.is.clone()),
    }
    manifests
}

fn pointer(place: &str) -> String {
    const POD: &str = "/spec/template/spec";
    match place.split_once('/') {
        Some(("pod", place)) => format!("{POD}/{place}"),
        Some(("container", place)) => format!("{POD}/containers/0/{place}"),
        _ => place.to_owned(),
    }
}

/// Puts `value` where `pointer` points, at the end of a list that is not as long; `null` takes away what an object has there.
fn put(manifest: &mut Value, pointer: &str, value: Value) {
    let (above, key) = pointer.rsplit_once('/').expect("a pointer");
    let key = key.replace("~1", "/");
    let above = manifest.pointer_mut(above);
    let above = above.unwrap_or_else(|| panic!("nothing is above {pointer}"));
    match (above, key.parse::<usize>()) {
        (Value::Array(items), Ok(index)) if index < items.len() => items[index] = value,
        (Value::Array(items), Ok(_)) => items.push(value),
        (above, _) if value.is_null() => {
            let taken = above.as_object_mut().expect("an object").remove(&key);
            assert!(taken.is_some(), "nothing is at {pointer}");
        }
        (above, _) => above[key.as_str()] = value,
    }
}

/// That `complaints` finds each fault.
fn are_found(
    manifests: &Manifests,
    faults: &[Fault],
    complaints: impl Fn(&Manifests) -> Vec<String>,
) {
    for fault in faults {
        let said = complaints(&broken(manifests, fault));
        assert!(
            said.iter().any(|it| it.contains(&fault.found)),
            "{fault:?}: {said:?}"
        );
    }
}

#[test]
fn what_an_overlay_must_not_say_is_found() {
    for (overlay, yaml) in [
        ("dev", include_str!("broken/dev.yaml")),
        ("prod", include_str!("broken/prod.yaml")),
    ] {
        let Some(manifests) = rendered(overlay) else {
            return;
        };
        are_found(manifests, &faults(yaml), kubernetes::complaints);
    }
}

#[test]
fn a_flow_that_is_not_whole_is_found() {
    for (overlay, yaml) in [
        ("dev", include_str!("broken/flows_of_dev.yaml")),
        ("prod", include_str!("broken/flows_of_prod.yaml")),
    ] {
        let Some(manifests) = rendered(overlay) else {
            return;
        };
        are_found(manifests, &faults(yaml), |it| flows::allowed(it).complaints);
    }
}

#[test]
fn a_flow_that_is_not_stated_is_found() {
    let Some(manifests) = rendered("dev") else {
        return;
    };
    let architecture = repository::read("ARCHITECTURE.md").expect("it is there");
    let stated = flows::stated(&architecture, "dev");
    for fault in faults(include_str!("broken/flows_too_many.yaml")) {
        let (from, to) = fault.found.split_once(" → ").expect("from → to");
        let flow = (from.to_owned(), to.to_owned());
        let allowed = flows::allowed(&broken(manifests, &fault)).flows;
        assert!(allowed.contains(&flow), "{fault:?}: {allowed:?}");
        assert!(!stated.contains(&flow), "{fault:?}");
    }
}

/// Pods that no policy is about, but for the general prohibition.
#[test]
fn pods_without_a_policy_are_found() {
    let Some(manifests) = rendered("dev") else {
        return;
    };
    let mut manifests = manifests.clone();
    let stranger = json!({"kind": "Deployment", "metadata": {"name": "stranger"}});
    manifests.0.push(stranger);
    assert_eq!(flows::allowed(&manifests).complaints, Vec::<String>::new());
    let is_prohibition = |it: &Value| it["metadata"]["name"] == "nobody-to-nobody";
    manifests.0.retain(|it| !is_prohibition(it));
    assert_eq!(
        flows::allowed(&manifests).complaints,
        ["no policy is about what stranger does: Ingress"]
    );
}

#[tokio::test]
async fn what_the_schemas_do_not_know_is_found() {
    for (overlay, yaml) in [
        ("dev", include_str!("broken/schemas_of_dev.yaml")),
        ("prod", include_str!("broken/schemas_of_prod.yaml")),
    ] {
        let Some(manifests) = rendered(overlay) else {
            return;
        };
        let tool = OperatorTool::KubernetesValidate.installed().await;
        let python = tool.expect("it can be installed");
        are_found(manifests, &faults(yaml), |it| {
            let said = schemas::complaints(&python, it).expect("it runs");
            assert_eq!(said.len(), 1, "{said:?}");
            said
        });
    }
}
