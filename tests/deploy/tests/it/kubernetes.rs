//! What the Kubernetes overlays render: taken by the schemas, and by the checks of this package.

mod broken;

use std::sync::LazyLock;

use deploy_checks::kubernetes::{self, Manifests, flows, schemas};
use deploy_checks::repository;
use serde_json::Value;
use testbed::OperatorTool;

const OVERLAYS: [&str; 2] = ["dev", "prod"];

/// What an overlay renders; none: there is no kubectl here, which is only accepted where nobody relies on this run.
fn rendered(overlay: &str) -> Option<&'static Manifests> {
    static RENDERED: LazyLock<Option<Vec<Manifests>>> = LazyLock::new(|| {
        let Some(kubectl) = kubernetes::kubectl() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "kubectl is not installed: nothing of deploy/kubernetes can be checked"
            );
            testbed::say("kubectl is not installed: deploy/kubernetes is not checked");
            return None;
        };
        let render = |overlay| kubernetes::render(&kubectl, overlay).expect("kubectl takes it");
        Some(OVERLAYS.map(render).into())
    });
    let index = OVERLAYS.iter().position(|it| *it == overlay);
    Some(&RENDERED.as_ref()?[index.expect("an overlay")])
}

#[test]
fn each_overlay_says_what_it_must() {
    for overlay in OVERLAYS {
        let Some(manifests) = rendered(overlay) else {
            return;
        };
        assert_eq!(
            kubernetes::complaints(manifests),
            Vec::<String>::new(),
            "{overlay}"
        );
    }
}

#[test]
fn the_policies_allow_the_flows_of_the_architecture_and_no_others() {
    let architecture = repository::read("ARCHITECTURE.md").expect("it is there");
    for overlay in OVERLAYS {
        let Some(manifests) = rendered(overlay) else {
            return;
        };
        let allowed = flows::allowed(manifests);
        assert_eq!(allowed.complaints, Vec::<String>::new(), "{overlay}");
        let stated = flows::stated(&architecture, overlay);
        assert!(stated.len() > 10, "the table is read: {stated:?}");
        assert_eq!(allowed.flows, stated, "{overlay}");
    }
}

/// A service refuses such an address unless it has certificates for the call.
#[test]
fn the_services_of_prod_call_each_other_with_tls() {
    let Some(manifests) = rendered("prod") else {
        return;
    };
    let is_environment = |name: &Value| {
        name.as_str()
            .is_some_and(|name| name.starts_with("image-replicator-environment"))
    };
    let environment = manifests
        .of("ConfigMap")
        .find(|it| is_environment(&it["metadata"]["name"]))
        .expect("it is there");
    for service in ["GATEWAY", "WORKER"] {
        let key = format!("IMAGE_REPLICATOR__{service}__SCHEDULER_URL");
        assert_eq!(environment["data"][&key], "https://job-scheduler:7100");
    }
}

#[tokio::test]
async fn each_overlay_fits_the_schemas() {
    let tool = OperatorTool::KubernetesValidate.installed().await;
    let python = tool.expect("it can be installed");
    for overlay in OVERLAYS {
        let Some(manifests) = rendered(overlay) else {
            return;
        };
        let found = schemas::complaints(&python, manifests).expect("it runs");
        assert_eq!(found, Vec::<String>::new(), "{overlay}");
    }
}

#[test]
fn the_config_map_is_the_sample() {
    let copy = "deploy/kubernetes/base/shared/image-replicator.toml";
    let sample = repository::read("deploy/image-replicator.toml").expect("it is there");
    if std::env::var_os("UPDATE_CONFIG_MAP").is_some() {
        std::fs::write(repository::root().join(copy), &sample).expect("it can be written");
    }
    assert_eq!(
        repository::read(copy).expect("it is there"),
        sample,
        "UPDATE_CONFIG_MAP=1 cargo test -p deploy-checks makes them equal"
    );
}
