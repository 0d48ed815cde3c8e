//! Plans that are created and shown.

use http::Method;
use proto::v1;
use serde_json::{Value, json};
use service_kit::{Clock as _, SystemClock};

use super::{action, action_by_id, document, path_of, plan, plans};
use crate::cloud::{DESTINATION_TENANT, SOURCE_TENANT};
use crate::gateway::TestGateway;

#[tokio::test]
async fn a_plan_is_shown_as_it_was_written() {
    let gateway = TestGateway::start().await;
    let mut written = plan();
    written["description"] = json!("My new plan");
    written["job_actions"][0]["max_retries"] = json!(3);
    let id = gateway.accepted_plan(&written).await;
    assert_eq!(id.len(), 32);

    let shown = gateway.shown(&id).await;
    assert_eq!(shown["job_id"], id);
    assert_eq!(shown["project_id"], SOURCE_TENANT);
    assert_eq!(shown["user_id"], "alice-id");
    assert_eq!(shown["name"], "nightly");
    assert_eq!(shown["description"], "My new plan");
    assert_eq!(shown["client_id"], "p_host");
    assert_eq!(
        (&shown["session_id"], &shown["session_tag"]),
        (&json!(""), &json!(0))
    );
    assert_eq!(
        (&shown["status"], &shown["disabled"]),
        (&json!("scheduled"), &json!(false))
    );
    assert_eq!(
        (&shown["started_at"], &shown["ended_at"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(shown["created_at"], "2026-01-01T00:00:00.000000");
    assert_eq!(shown["job_schedule"]["schedule_hour"], "3");
    assert_eq!(shown["job_schedule"]["time_started"], -1);
    let action = &shown["job_actions"][0];
    assert_eq!(
        action["freezer_action"],
        written["job_actions"][0]["freezer_action"]
    );
    assert_eq!(action["max_retries"], 3);
    assert_eq!(action["user_id"], "alice-id");
    assert_eq!(action["project_id"], SOURCE_TENANT);
    assert_eq!(action["action_id"].as_str().map(str::len), Some(32));
    gateway.stop().await;
}

#[tokio::test]
async fn the_scheduler_hears_who_what_where_and_until_when() {
    let gateway = TestGateway::start().await;
    let before = SystemClock.now().as_millisecond();
    gateway.accepted_plan(&plan()).await;
    let create = gateway
        .scheduler
        .table
        .edit(|table| table.plans.creates[0].clone());
    assert_eq!(
        (create.region_id.as_str(), create.tenant_id.as_str()),
        ("ot1", SOURCE_TENANT)
    );
    let creator = v1::Creator {
        user_id: "alice-id".to_owned(),
        user_name: "alice".to_owned(),
        domain_id: "default".to_owned(),
        domain_name: "Default".to_owned(),
    };
    assert_eq!(create.creator, Some(creator));
    assert!(create.not_after_ms.expect("a time") > before);
    let action = &create.document.expect("a document").actions[0];
    assert_eq!(action.destination_region_id, "ot2");
    assert_eq!(action.destination_tenant_id, DESTINATION_TENANT);
    assert_eq!((action.rotation, action.retry_interval_ms), (7, 60_000));
    gateway.stop().await;
}

#[tokio::test]
async fn both_paths_are_served_and_neither_is_redirected() {
    let gateway = TestGateway::start().await;
    for path in [plans(), format!("/v2/{SOURCE_TENANT}/jobs")] {
        let response = gateway.answer(Method::POST, &path, "alice", &plan()).await;
        assert_eq!(response.status(), 201, "{path}");
        assert_eq!(gateway.get(&path, "alice").await.status(), 200, "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_plan_may_have_several_actions_and_nothing_but_them() {
    let gateway = TestGateway::start().await;
    let written = json!({"job_actions": [action("golden"), action_by_id(), action("golden")]});
    let id = gateway.accepted_plan(&written).await;
    let shown = gateway.shown(&id).await;
    let actions = shown["job_actions"].as_array().expect("a list");
    let mut ids: Vec<&str> = actions
        .iter()
        .map(|action| action["action_id"].as_str().expect("an id"))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert_eq!(
        (&shown["name"], &shown["client_id"]),
        (&json!(""), &json!(""))
    );
    gateway.stop().await;
}

#[tokio::test]
async fn an_id_may_be_chosen_once() {
    let gateway = TestGateway::start().await;
    let mut chosen = plan();
    chosen["job_id"] = json!("E632EB18-84e0-468c-8a41-e656942df500");
    let id = gateway.accepted_plan(&chosen).await;
    assert_eq!(id, "e632eb1884e0468c8a41e656942df500");
    let (status, text) = gateway
        .refused(Method::POST, &plans(), "alice", &chosen)
        .await;
    assert_eq!(
        (status, text.contains("job_id is taken")),
        (409, true),
        "{text}"
    );
    // Nor does another project learn more than that, or change it.
    let bobs = "/v2/0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b/jobs";
    gateway.cloud.edit(|state| {
        let there = ("bob".to_owned(), DESTINATION_TENANT.to_owned());
        state.roles.insert(there, vec!["member".to_owned()]);
    });
    for path in [bobs.to_owned(), format!("{bobs}/{id}")] {
        let (status, _) = gateway.refused(Method::POST, &path, "bob", &chosen).await;
        assert_eq!(status, 409, "{path}");
    }
    assert_eq!(gateway.shown(&id).await["user_id"], "alice-id");
    gateway.stop().await;
}

#[tokio::test]
async fn an_administrator_may_write_and_find_plans_of_any_project() {
    let gateway = TestGateway::start().await;
    let response = gateway
        .answer(Method::POST, &plans(), "root", &plan())
        .await;
    let id = document(201, response).await["job_id"].clone();
    let id = id.as_str().expect("an id");
    assert_eq!(gateway.shown(id).await["user_id"], "root-id");
    let own = format!("/v2/ad0000000000000000000000000000ad/jobs/{id}");
    for path in [path_of(id), own] {
        assert_eq!(gateway.get(&path, "root").await.status(), 200, "{path}");
    }
    gateway.stop().await;
}
