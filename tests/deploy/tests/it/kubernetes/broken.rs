//! Each check finds what it is for: a manifest is made wrong, and the complaint is looked for.

use deploy_checks::kubernetes::{self, Manifests, flows, schemas};
use deploy_checks::repository;
use serde_json::{Value, json};
use testbed::OperatorTool;

use super::rendered;

/// A change: of which kind and name, where, to what.
type Change = (&'static str, &'static str, &'static str, Value);

const POD: &str = "/spec/template/spec";
const CONTAINER: &str = "/spec/template/spec/containers/0";

/// The overlay with one place changed; `null` takes it away. A kind `new` adds a manifest.
fn broken(manifests: &Manifests, (kind, name, place, instead): &Change) -> Manifests {
    let mut manifests = manifests.clone();
    if *kind == "new" {
        manifests.0.push(instead.clone());
        return manifests;
    }
    let index = manifests
        .0
        .iter()
        .position(|it| it["kind"] == *kind && it["metadata"]["name"] == *name)
        .unwrap_or_else(|| panic!("there is no {kind} {name}"));
    if place.is_empty() {
        manifests.0.remove(index);
        return manifests;
    }
    let (above, key) = place.rsplit_once('/').expect("a pointer");
    let key = key.replace("~1", "/");
    let above = manifests.0[index].pointer_mut(above);
    let above = above.unwrap_or_else(|| panic!("{kind} {name} has no {place}"));
    match (above, key.parse::<usize>()) {
        (Value::Array(items), Ok(index)) if index < items.len() => items[index] = instead.clone(),
        (Value::Array(items), Ok(_)) => items.push(instead.clone()),
        (above, _) if instead.is_null() => {
            above.as_object_mut().expect("an object").remove(&key);
        }
        (above, _) => above[key.as_str()] = instead.clone(),
    }
    manifests
}

fn at(start: &str, end: &str) -> &'static str {
    Box::leak(format!("{start}{end}").into_boxed_str())
}

#[test]
fn what_an_overlay_must_not_say_is_found() {
    let Some(manifests) = rendered("dev") else {
        return;
    };
    let deployment =
        |place: &'static str, instead: Value| ("Deployment", "job-scheduler", place, instead);
    let container = |end: &str, instead| deployment(at(CONTAINER, end), instead);
    let pod = |end: &str, instead| deployment(at(POD, end), instead);
    let environment =
        |name: &str, value: &str| container("/env/99", json!({"name": name, "value": value}));
    let sample = repository::read("deploy/image-replicator.toml").expect("it is there");
    let unknown_key = sample.replace("[scheduler]\n", "[scheduler]\nlisten_on = 1\n");
    let changes: Vec<(Change, &str)> = vec![
        // Pods.
        (
            container("/image", json!("image-replicator/job-scheduler:latest")),
            "has no version",
        ),
        (
            container("/image", json!("image-replicator/job-scheduler")),
            "has no version",
        ),
        (
            container("/resources/limits/memory", Value::Null),
            "no limits of memory",
        ),
        (
            container("/resources/requests/cpu", Value::Null),
            "no requests of cpu",
        ),
        (
            container("/readinessProbe", Value::Null),
            "readinessProbe is missing",
        ),
        (
            container("/livenessProbe/httpGet/port", json!("metrics")),
            "livenessProbe asks a port",
        ),
        (
            container("/livenessProbe/httpGet/port", json!("grpc")),
            "livenessProbe does not ask /healthz",
        ),
        (
            container("/readinessProbe/httpGet/path", json!("/healthz")),
            "readinessProbe does not ask /readyz",
        ),
        (
            container("/securityContext/allowPrivilegeEscalation", json!(true)),
            "may gain privileges",
        ),
        (
            container("/securityContext/privileged", json!(true)),
            "is privileged",
        ),
        (
            container("/securityContext/capabilities", json!({})),
            "keeps capabilities",
        ),
        (
            container("/securityContext/capabilities/add", json!(["NET_ADMIN"])),
            "adds capabilities",
        ),
        (
            container("/securityContext/readOnlyRootFilesystem", Value::Null),
            "can be written",
        ),
        (
            pod("/automountServiceAccountToken", Value::Null),
            "a token is mounted",
        ),
        (pod("/hostNetwork", json!(true)), "hostNetwork is on"),
        (
            pod(
                "/volumes/9",
                json!({"name": "x", "hostPath": {"path": "/"}}),
            ),
            "path of the host",
        ),
        (
            pod("/securityContext/runAsNonRoot", Value::Null),
            "may run as root",
        ),
        (
            pod("/securityContext/runAsUser", json!(0)),
            "it runs as root",
        ),
        (
            pod("/securityContext/seccompProfile", Value::Null),
            "no seccomp profile",
        ),
        // The configuration.
        (
            environment("IMAGE_REPLICATOR__SCHEDULER__LEASE", "30s"),
            "lease",
        ),
        (
            environment("IMAGE_REPLICATOR__SCHEDULER__LEASE_LENGTH", "3s"),
            "scheduler.heartbeat: ",
        ),
        (
            environment("IMAGE_REPLICATOR__SCHEDULER__LISTEN", "127.0.0.1:7100"),
            "listens on loopback",
        ),
        (
            environment("IMAGE_REPLICATOR__SCHEDULER__LISTEN", "0.0.0.0:7200"),
            "listens on {7200, 9102}",
        ),
        (
            environment("IMAGE_REPLICATOR__REDIS__URL_FILE", "/run/secrets/other"),
            "nothing is mounted at /run/secrets/other",
        ),
        (
            environment(
                "IMAGE_REPLICATOR__SCHEDULER__TERMINATION_GRACE_PERIOD",
                "2m",
            ),
            "is killed after Some(60) seconds",
        ),
        (
            container("/volumeMounts/0/subPath", json!("image-replicator.toml")),
            "by subPath",
        ),
        (
            pod("/terminationGracePeriodSeconds", json!(20)),
            "is killed in its drain",
        ),
        (
            (
                "ConfigMap",
                "image-replicator",
                "/data/image-replicator.toml",
                json!(unknown_key),
            ),
            "listen_on",
        ),
        (
            (
                "Deployment",
                "copy-worker-ot2",
                "/spec/template/metadata/labels/image-replicator~1region",
                json!("ot9"),
            ),
            "regions.ot9: is missing",
        ),
        (
            (
                "Deployment",
                "copy-worker-ot2",
                "/spec/template/metadata/labels/app.kubernetes.io~1name",
                json!("mover"),
            ),
            "the budget copy-worker-ot2 is one of 0 workloads",
        ),
        // What names something else.
        (
            (
                "PodDisruptionBudget",
                "job-scheduler",
                "/spec/selector/matchLabels/app.kubernetes.io~1name",
                json!("scheduler"),
            ),
            "is one of 0 workloads",
        ),
        (
            ("PodDisruptionBudget", "copy-worker-ot1", "", Value::Null),
            "copy-worker-ot1 has no disruption budget",
        ),
        (
            (
                "ServiceAccount",
                "copy-worker",
                "/automountServiceAccountToken",
                json!(true),
            ),
            "the account copy-worker has a token",
        ),
        (
            (
                "Service",
                "job-scheduler",
                "/spec/selector/app.kubernetes.io~1name",
                json!("scheduler"),
            ),
            "nothing is behind the service job-scheduler",
        ),
        (
            (
                "Service",
                "job-scheduler",
                "/spec/ports/0/targetPort",
                json!("http"),
            ),
            "leads to no port",
        ),
        (
            (
                "Ingress",
                "images-ot1",
                "/spec/rules/0/http/paths/0/backend/service/name",
                json!("api-gateway"),
            ),
            "to nowhere: api-gateway",
        ),
        (
            (
                "HorizontalPodAutoscaler",
                "api-gateway-ot1",
                "/spec/scaleTargetRef/name",
                json!("api-gateway"),
            ),
            "which is not there",
        ),
        (
            (
                "HorizontalPodAutoscaler",
                "api-gateway-ot1",
                "/spec/scaleTargetRef/name",
                json!("api-gateway-ot2"),
            ),
            "api-gateway-ot2 is scaled twice",
        ),
        (
            ("Deployment", "api-gateway-ot1", "/spec/replicas", json!(2)),
            "has a number of replicas and is scaled",
        ),
        // Secrets.
        (
            (
                "new",
                "",
                "",
                json!({"kind": "Secret", "metadata": {"name": "redis"}, "data": {}}),
            ),
            "the secret redis is written down",
        ),
        (
            environment("IMAGE_REPLICATOR__REDIS__SENTINEL_PASSWORD", "x"),
            "job-scheduler holds a secret",
        ),
        (
            environment("IMAGE_REPLICATOR__REDIS__URL", "redis://:x@redis"),
            "job-scheduler holds a secret",
        ),
        (
            container("/args", json!(["--requirepass x"])),
            "is started with a secret",
        ),
        (
            (
                "ConfigMap",
                "image-replicator",
                "/data/image-replicator.toml",
                json!("url = \"amqp://u:p@rabbitmq\""),
            ),
            "image-replicator holds a secret",
        ),
    ];
    for (change, expected) in changes {
        let found = kubernetes::complaints(&broken(manifests, &change));
        assert!(
            found.iter().any(|complaint| complaint.contains(expected)),
            "{change:?}: {found:?}"
        );
    }
}

#[test]
fn what_prod_must_not_say_is_found() {
    let Some(manifests) = rendered("prod") else {
        return;
    };
    let scaling = |place, instead| ("ScaledObject", "copy-worker-ot2", place, instead);
    let changes: Vec<(Change, &str)> = vec![
        (
            scaling("/spec/triggers/0/metadata/queueName", json!("copy.ot1")),
            "does not look at the queue copy.ot2",
        ),
        (
            scaling("/spec/triggers/0/authenticationRef/name", json!("nobody")),
            "logs in as nobody",
        ),
        (
            scaling("/spec/maxReplicaCount", json!(17)),
            "68 copies have workers, and 64 are allowed into ot2",
        ),
        (
            scaling("/spec/scaleTargetRef/name", json!("copy-worker")),
            "scales copy-worker, which is not there",
        ),
        (
            (
                "RabbitmqCluster",
                "rabbitmq",
                "/spec/image",
                json!("rabbitmq:management"),
            ),
            "rabbitmq: the image",
        ),
        (
            (
                "RabbitmqCluster",
                "rabbitmq",
                "/spec/resources/limits/cpu",
                Value::Null,
            ),
            "rabbitmq: no limits of cpu",
        ),
        (
            (
                "Deployment",
                "job-scheduler",
                "/spec/template/spec/volumes/1/projected/sources/2",
                json!({}),
            ),
            "nothing is mounted at /run/secrets/sentinel-password",
        ),
        (
            (
                "Deployment",
                "job-scheduler",
                "/spec/template/spec/volumes/1/projected/sources/4",
                json!({}),
            ),
            "nothing is mounted at /run/secrets/grpc-key",
        ),
    ];
    for (change, expected) in changes {
        let found = kubernetes::complaints(&broken(manifests, &change));
        assert!(
            found.iter().any(|complaint| complaint.contains(expected)),
            "{change:?}: {found:?}"
        );
    }
    let without_tls = ("RabbitmqCluster", "rabbitmq", "/spec/tls", Value::Null);
    let found = flows::allowed(&broken(manifests, &without_tls)).complaints;
    let expected =
        "the policy rabbitmq-from-services names the port 5671, which rabbitmq does not have";
    assert!(found.iter().any(|it| it == expected), "{found:?}");
}

#[test]
fn a_flow_that_is_not_stated_or_not_whole_is_found() {
    let Some(manifests) = rendered("dev") else {
        return;
    };
    let architecture = repository::read("ARCHITECTURE.md").expect("it is there");
    let stated = flows::stated(&architecture, "dev");
    let everybody = json!([{"podSelector": {}}]);
    for (change, expected) in [
        (
            (
                "NetworkPolicy",
                "schedulers-to-redis",
                "/spec/egress/0/to",
                json!([{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "rabbitmq"}}}]),
            ),
            "which rabbitmq does not have",
        ),
        (
            (
                "NetworkPolicy",
                "schedulers-to-redis",
                "/spec/egress/0/ports/0/port",
                json!(6380),
            ),
            "names the port 6380, which redis does not have",
        ),
        (
            (
                "NetworkPolicy",
                "metrics-of-workers",
                "/spec/ingress/0/ports",
                Value::Null,
            ),
            "names the port \"every\"",
        ),
        (
            ("NetworkPolicy", "redis-from-schedulers", "", Value::Null),
            "job-scheduler to redis on TCP 6379 is allowed on one side",
        ),
        (
            (
                "NetworkPolicy",
                "schedulers-to-redis",
                "/spec/podSelector/matchLabels/app.kubernetes.io~1name",
                json!("scheduler"),
            ),
            "is about no pods",
        ),
        (
            (
                "NetworkPolicy",
                "redis-from-schedulers",
                "/spec/ingress/0/from",
                everybody,
            ),
            "api-gateway to redis on TCP 6379 is allowed on one side",
        ),
    ] {
        let allowed = flows::allowed(&broken(manifests, &change));
        assert!(
            allowed.complaints.iter().any(|it| it.contains(expected)),
            "{change:?}: {:?}",
            allowed.complaints
        );
    }
    // Pods that the general prohibition is not about, nor anything else.
    let stranger = json!({"kind": "Deployment", "metadata": {"name": "stranger"}});
    let with_stranger = broken(manifests, &("new", "", "", stranger));
    assert_eq!(
        flows::allowed(&with_stranger).complaints,
        Vec::<String>::new()
    );
    let nobody_to_nobody = ("NetworkPolicy", "nobody-to-nobody", "", Value::Null);
    let found = flows::allowed(&broken(&with_stranger, &nobody_to_nobody));
    assert_eq!(
        found.complaints,
        ["no policy is about what stranger does: Ingress"]
    );
    let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    for (change, flow) in [
        (
            (
                "NetworkPolicy",
                "to-openstack",
                "/spec/podSelector",
                json!({}),
            ),
            pair("redis", "OpenStack"),
        ),
        (
            (
                "NetworkPolicy",
                "to-openstack",
                "/spec/egress/0/to",
                json!([{"ipBlock": {"cidr": "0.0.0.0/0"}}]),
            ),
            pair("api-gateway", "somebody"),
        ),
        (
            (
                "NetworkPolicy",
                "to-openstack",
                "/spec/egress/0/to",
                Value::Null,
            ),
            pair("copy-worker", "everybody"),
        ),
        (
            (
                "NetworkPolicy",
                "metrics-of-workers",
                "/spec/ingress/0/from/0",
                json!({"namespaceSelector": {}}),
            ),
            pair("somebody", "copy-worker"),
        ),
    ] {
        let allowed = flows::allowed(&broken(manifests, &change));
        assert!(
            allowed.flows.contains(&flow),
            "{change:?}: {:?}",
            allowed.flows
        );
        assert!(!stated.contains(&flow));
    }
}

#[tokio::test]
async fn what_the_schemas_do_not_know_is_found() {
    let Some(manifests) = rendered("dev") else {
        return;
    };
    let tool = OperatorTool::KubernetesValidate.installed().await;
    let python = tool.expect("it can be installed");
    for (change, expected) in [
        (
            ("Deployment", "job-scheduler", "/spec/replica", json!(2)),
            "replica",
        ),
        (
            (
                "Service",
                "job-scheduler",
                "/spec/ports/0/port",
                json!("grpc"),
            ),
            "grpc",
        ),
        (
            (
                "new",
                "",
                "",
                json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledJob", "metadata": {"name": "x"}}),
            ),
            "there is no schema keda.sh_scaledjob.json",
        ),
    ] {
        let found = schemas::complaints(&python, &broken(manifests, &change)).expect("it runs");
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{change:?}: {found:?}"
        );
    }
}

#[tokio::test]
async fn what_the_schemas_of_custom_resources_do_not_know_is_found() {
    let Some(manifests) = rendered("prod") else {
        return;
    };
    let tool = OperatorTool::KubernetesValidate.installed().await;
    let python = tool.expect("it can be installed");
    for (change, expected) in [
        (
            (
                "ScaledObject",
                "copy-worker-ot1",
                "/spec/maxReplicas",
                json!(2),
            ),
            "maxReplicas",
        ),
        (
            (
                "TriggerAuthentication",
                "rabbitmq-access",
                "/spec/secretTargetRef/0/key",
                Value::Null,
            ),
            "'key' is a required property",
        ),
        (
            (
                "RabbitmqCluster",
                "rabbitmq",
                "/spec/persistence/storage",
                json!("much"),
            ),
            "much",
        ),
    ] {
        let found = schemas::complaints(&python, &broken(manifests, &change)).expect("it runs");
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{change:?}: {found:?}"
        );
    }
}
