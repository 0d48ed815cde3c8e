//! What is refused, with which code and words.

use http::Method;
use serde_json::{Value, json};

use super::{action, action_by_id, described, path_of, plan, plans};
use crate::cloud::SOURCE_TENANT;
use crate::gateway::TestGateway;
use crate::plan_table::PlanTrouble;

const UNKNOWN: &str = "e632eb1884e0468c8a41e656942df500";

/// A plan with one action that is changed.
fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut action = action_by_id();
    change(&mut action["freezer_action"]);
    json!({"job_actions": [action]})
}

#[tokio::test]
async fn a_body_that_is_no_plan_is_told_what_is_wrong() {
    let gateway = TestGateway::start().await;
    let hour = |hour: Value| json!({"job_schedule": {"schedule_hour": hour}, "job_actions": [action("a")]});
    for (wrong, said) in [
        (json!({}), "job_actions is missing"),
        (
            json!({"job_actions": []}),
            "job_actions must be a list of at least one action",
        ),
        (json!([]), "must be a JSON object"),
        (json!({"job_scedule": {}}), "Unknown field \"job_scedule\""),
        (
            json!({"job_schedule": {"schedule_hours": "3"}}),
            "job_schedule.schedule_hours",
        ),
        (hour(json!("25")), "schedule_hour"),
        (hour(json!(null)), "job_schedule.schedule_hour must be"),
        (
            with(|what| what["action"] = json!("restore")),
            "must be \"backup\"",
        ),
        (
            with(|what| what["mode"] = json!("cinder")),
            "must be \"glance-image\"",
        ),
        (
            with(|what| what["image_tag"] = json!("golden")),
            "exactly one way",
        ),
        (
            with(|what| what["tenant_id_dst"] = json!("x")),
            "tenant_id_dst must be the UUID",
        ),
    ] {
        let (status, text) = gateway
            .refused(Method::POST, &plans(), "alice", &wrong)
            .await;
        assert_eq!(
            (status, text.contains(said)),
            (400, true),
            "{wrong}: {text}"
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn destinations_and_images_are_checked_when_a_plan_is_written() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    gateway
        .cloud
        .add_token("anna", Some(SOURCE_TENANT), &["member"]);
    let nowhere = with(|what| what["tenant_id_dst"] = json!(UNKNOWN));
    let no_region = with(|what| what["region_id_dst"] = json!("ot9"));
    let here = with(|what| what["tenant_id_dst"] = json!(SOURCE_TENANT));
    let no_image = with(|what| what["image_id"] = json!(UNKNOWN));
    for (user, wrong, code, said) in [
        ("alice", &nowhere, 400, "does not exist in any region"),
        ("alice", &no_region, 400, "Region ot9 is not known"),
        ("alice", &here, 400, "Source and destination are the same"),
        (
            "alice",
            &no_image,
            400,
            "Image e632eb18-84e0-468c-8a41-e656942df500 does not exist",
        ),
        ("anna", &plan(), 403, "You have no role on tenant"),
    ] {
        for (method, path) in [(Method::POST, plans()), (Method::PATCH, path_of(&id))] {
            let (status, text) = gateway.refused(method.clone(), &path, user, wrong).await;
            assert_eq!(
                (status, text.contains(said)),
                (code, true),
                "{method} {wrong}: {text}"
            );
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let gateway = TestGateway::start().await;
    gateway.cloud.edit(|state| state.down.insert("ot1"));
    let (status, text) = gateway
        .refused(Method::POST, &plans(), "alice", &plan())
        .await;
    assert_eq!((status, text.contains("region ot1")), (409, true), "{text}");
    gateway.cloud.edit(|state| state.down.insert("keystone"));
    let (status, _) = gateway
        .refused(Method::POST, &plans(), "alice", &plan())
        .await;
    assert_eq!(status, 503);
    gateway.stop().await;
}

#[tokio::test]
async fn tokens_projects_and_roles_come_first() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    let (one, event) = (path_of(&id), format!("{}/event", path_of(&id)));
    let all = [
        (Method::GET, plans()),
        (Method::POST, plans()),
        (Method::GET, one.clone()),
        (Method::PATCH, one.clone()),
        (Method::POST, one.clone()),
        (Method::DELETE, one.clone()),
        (Method::POST, event.clone()),
    ];
    for (method, path) in &all {
        let refusal = gateway
            .refused(method.clone(), path, "nobody", &plan())
            .await;
        assert_eq!(
            refusal,
            (401, "Authentication required.".to_owned()),
            "{method} {path}"
        );
        let (status, text) = gateway.refused(method.clone(), path, "bob", &plan()).await;
        assert_eq!(
            (status, text.contains("0b0b0b0b")),
            (403, true),
            "{method} {path}: {text}"
        );
        if *method != Method::GET {
            let (status, text) = gateway.refused(method.clone(), path, "rita", &plan()).await;
            assert_eq!(
                (status, text.contains("roles")),
                (403, true),
                "{method} {path}: {text}"
            );
        }
    }
    for path in [plans(), one] {
        assert_eq!(gateway.get(&path, "rita").await.status(), 200, "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn plans_that_are_not_there_are_not_found() {
    let gateway = TestGateway::start().await;
    let expected = (404, "There is no such plan.".to_owned());
    for id in [UNKNOWN, "no-id", "%ff"] {
        let shown = described(gateway.get(&path_of(id), "alice").await).await;
        assert_eq!(shown, expected, "{id}");
        let path = path_of(id);
        let changed = gateway
            .refused(Method::PATCH, &path, "alice", &plan())
            .await;
        assert_eq!(changed, expected, "{id}");
    }
    let (status, text) = gateway
        .refused(Method::POST, &path_of("no-id"), "alice", &plan())
        .await;
    assert_eq!(
        (status, text.contains("must be a UUID")),
        (400, true),
        "{text}"
    );
    let (status, _) = gateway
        .refused(Method::PUT, &path_of(UNKNOWN), "alice", &plan())
        .await;
    assert_eq!(status, 405);
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_is_json_and_not_too_large() {
    let gateway = TestGateway::start().await;
    let path = plans();
    let plain = gateway
        .request(Method::POST, &path, "alice")
        .body(plan().to_string());
    let (status, text) = described(plain.send().await.expect("an answer")).await;
    assert_eq!(
        (status, text.contains("Content-Type: application/json")),
        (400, true),
        "{text}"
    );
    let large = json!({"description": "x".repeat(70_000)});
    let (status, _) = gateway.refused(Method::POST, &path, "alice", &large).await;
    assert_eq!(status, 413);
    gateway.stop().await;
}

#[tokio::test]
async fn limits_and_silence_of_the_scheduler() {
    let gateway = TestGateway::start_with(&[("GATEWAY__REQUEST_DEADLINE", "2s")]).await;
    let trouble = |trouble| {
        gateway
            .scheduler
            .table
            .edit(|table| table.plans.trouble = trouble)
    };
    trouble(PlanTrouble::Full);
    let (status, text) = gateway
        .refused(Method::POST, &plans(), "alice", &plan())
        .await;
    assert_eq!(
        (status, text.contains("the limit is 2")),
        (403, true),
        "{text}"
    );
    trouble(PlanTrouble::Hangs);
    let mut chosen = plan();
    chosen["job_id"] = json!(UNKNOWN);
    let (status, text) = gateway
        .refused(Method::POST, &plans(), "alice", &chosen)
        .await;
    assert_eq!((status, text.contains(UNKNOWN)), (503, true), "{text}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_scheduler_that_is_away_is_a_503() {
    let mut gateway = TestGateway::start_with(&[("GATEWAY__REQUEST_DEADLINE", "2s")]).await;
    gateway.scheduler.stop().await;
    let (one, event) = (path_of(UNKNOWN), format!("{}/event", path_of(UNKNOWN)));
    for (method, path, body) in [
        (Method::GET, &plans(), &Value::Null),
        (Method::POST, &plans(), &plan()),
        (Method::GET, &one, &Value::Null),
        (Method::PATCH, &one, &json!({"name": "n"})),
        (Method::POST, &one, &plan()),
        (Method::POST, &event, &json!({"start": null})),
        (Method::DELETE, &one, &Value::Null),
    ] {
        let (status, text) = match body {
            Value::Null => {
                let request = gateway.request(method.clone(), path, "alice");
                described(request.send().await.expect("an answer")).await
            }
            body => gateway.refused(method.clone(), path, "alice", body).await,
        };
        assert_eq!(status, 503, "{method} {path}: {text}");
    }
    gateway.stop().await;
}
