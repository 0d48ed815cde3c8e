//! Every pod: its image has a version, it has requests, limits and probes, and it may do as little as it needs.

use serde_json::Value;

use super::manifests::Manifests;
use super::workload::{self, Workload};
use crate::SERVICES;

pub(super) fn complaints(manifests: &Manifests) -> Vec<String> {
    let workloads = manifests.workloads();
    workloads.iter().flat_map(of_workload).collect()
}

fn of_workload(workload: &Workload) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            complaints.push(format!("{}: {what}", workload.name));
        }
    };
    for container in workload.containers() {
        let image = container["image"].as_str().unwrap_or_default();
        let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
        expect(
            tag.contains('.') && tag != "latest",
            &format!("the image {image} has no version"),
        );
        for kind in ["requests", "limits"] {
            for resource in ["cpu", "memory"] {
                expect(
                    container["resources"][kind][resource].is_string(),
                    &format!("no {kind} of {resource}"),
                );
            }
        }
    }
    if !workload.is_written {
        return complaints;
    }

    let pod = &workload.pod;
    expect(
        pod["automountServiceAccountToken"] == false,
        "a token is mounted",
    );
    for shared in ["hostNetwork", "hostPID", "hostIPC"] {
        expect(pod[shared] != true, &format!("{shared} is on"));
    }
    for volume in pod["volumes"].as_array().into_iter().flatten() {
        expect(
            volume["hostPath"].is_null(),
            "a path of the host is mounted",
        );
    }
    let context = &pod["securityContext"];
    expect(context["runAsNonRoot"] == true, "it may run as root");
    expect(
        context["runAsUser"].as_u64().is_some_and(|user| user > 0),
        "it runs as root",
    );
    expect(
        context["seccompProfile"]["type"] == "RuntimeDefault",
        "no seccomp profile",
    );
    for container in workload.containers() {
        let context = &container["securityContext"];
        expect(
            context["allowPrivilegeEscalation"] == false,
            "it may gain privileges",
        );
        expect(context["privileged"] != true, "it is privileged");
        let dropped = &context["capabilities"]["drop"];
        expect(
            dropped
                .as_array()
                .is_some_and(|it| it.iter().any(|it| it == "ALL")),
            "it keeps capabilities",
        );
        expect(
            context["capabilities"]["add"].is_null(),
            "it adds capabilities",
        );
        if SERVICES.contains(&workload.role()) {
            expect(
                context["readOnlyRootFilesystem"] == true,
                "its file system can be written",
            );
        }
    }
    for container in pod["containers"].as_array().into_iter().flatten() {
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let what = probed(container, &container[probe]);
            expect(what.is_none(), &format!("{probe} {}", what.unwrap_or("")));
        }
    }
    complaints
}

/// What is wrong with a probe.
fn probed(container: &Value, probe: &Value) -> Option<&'static str> {
    if probe.is_null() {
        return Some("is missing");
    }
    if probe["exec"]["command"].is_array() {
        return None;
    }
    let port = match (&probe["httpGet"]["port"], &probe["tcpSocket"]["port"]) {
        (Value::Null, port) | (port, _) => port,
    };
    let exists = workload::ports(container).any(|known| workload::is(&known, port));
    (!exists).then_some("asks a port that the container does not have")
}
