//! Plans that are changed, replaced and deleted.

use http::Method;
use serde_json::{Value, json};

use super::{action, action_by_id, document, path_of, plan};
use crate::cloud::{DESTINATION_TENANT, SOURCE_TENANT};
use crate::gateway::TestGateway;
use crate::plan_table::PlanTrouble;

const UNKNOWN: &str = "e632eb1884e0468c8a41e656942df500";

async fn change(gateway: &TestGateway, id: &str, change: &Value) -> Value {
    let answer = gateway
        .answer(Method::PATCH, &path_of(id), "alice", change)
        .await;
    document(200, answer).await
}

/// Whether the last update rescheduled, and whether an empty schedule is off.
fn rescheduled(gateway: &TestGateway) -> (bool, bool) {
    gateway.scheduler.table.edit(|table| {
        let last = table.plans.updates.last().expect("an update");
        (last.reschedule, last.empty_is_off)
    })
}

#[tokio::test]
async fn what_is_not_said_stays() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    let before = gateway.shown(&id).await;
    let answer = change(
        &gateway,
        &id,
        &json!({"description": "all of it", "disabled": true}),
    )
    .await;
    assert_eq!(answer, json!({"job_id": id, "version": 2}));
    let after = gateway.shown(&id).await;
    assert_eq!(
        (&after["description"], &after["disabled"]),
        (&json!("all of it"), &json!(true))
    );
    for key in [
        "name",
        "client_id",
        "job_schedule",
        "job_actions",
        "created_at",
    ] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(rescheduled(&gateway), (false, true));
    gateway.stop().await;
}

#[tokio::test]
async fn a_whole_document_may_come_back_and_changes_nothing_else() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    let mut shown = gateway.shown(&id).await;
    shown["name"] = json!("weekly");
    change(&gateway, &id, &shown).await;
    assert_eq!(rescheduled(&gateway), (false, true));
    let mut after = gateway.shown(&id).await;
    after["updated_at"] = shown["updated_at"].clone();
    assert_eq!(after, shown);
    gateway.stop().await;
}

#[tokio::test]
async fn a_plan_without_a_schedule_comes_back_unharmed() {
    let gateway = TestGateway::start().await;
    let mut once = plan();
    once["job_schedule"] = json!({});
    once["disabled"] = json!(true);
    let id = gateway.accepted_plan(&once).await;
    let mut shown = gateway.shown(&id).await;
    // The fire that it owes must not be lost.
    shown["disabled"] = json!(false);
    change(&gateway, &id, &shown).await;
    assert_eq!(rescheduled(&gateway), (false, true));
    change(&gateway, &id, &json!({"job_schedule": {}})).await;
    assert_eq!(rescheduled(&gateway), (true, true));
    gateway.stop().await;
}

#[tokio::test]
async fn a_schedule_is_replaced_whole_and_an_empty_one_is_off() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    change(
        &gateway,
        &id,
        &json!({"job_schedule": {"schedule_minute": 30}}),
    )
    .await;
    let schedule = &gateway.shown(&id).await["job_schedule"];
    assert_eq!(
        (&schedule["schedule_minute"], &schedule["schedule_hour"]),
        (&json!("30"), &Value::Null)
    );
    assert_eq!(rescheduled(&gateway), (true, true));
    change(&gateway, &id, &json!({"job_schedule": {"event": "stop"}})).await;
    assert_eq!(
        gateway.shown(&id).await["job_schedule"]["schedule_minute"],
        Value::Null
    );
    assert_eq!(rescheduled(&gateway), (true, true));
    gateway.stop().await;
}

#[tokio::test]
async fn actions_keep_their_ids() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    let first = gateway.shown(&id).await["job_actions"][0]["action_id"].clone();
    // The same images to the same place, without the id.
    change(
        &gateway,
        &id,
        &json!({"job_actions": [action("golden"), action_by_id()]}),
    )
    .await;
    let shown = gateway.shown(&id).await;
    assert_eq!(shown["job_actions"][1]["action_id"], first);
    let second = shown["job_actions"][0]["action_id"].clone();
    assert_ne!(second, first);
    // Other images, with the id.
    let mut renamed = action("silver");
    renamed["action_id"] = second.clone();
    change(&gateway, &id, &json!({"job_actions": [renamed]})).await;
    let shown = gateway.shown(&id).await;
    assert_eq!(shown["job_actions"].as_array().map(Vec::len), Some(1));
    assert_eq!(shown["job_actions"][0]["action_id"], second);
    assert_eq!(
        shown["job_actions"][0]["freezer_action"]["image_name"],
        "silver"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_change_is_made_on_top_of_others() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    let trouble = |trouble| {
        gateway
            .scheduler
            .table
            .edit(|table| table.plans.trouble = trouble)
    };
    trouble(PlanTrouble::Outdates(3));
    let answer = change(&gateway, &id, &json!({"name": "weekly"})).await;
    assert_eq!(answer["version"], 5);
    assert_eq!(gateway.shown(&id).await["name"], "weekly");
    trouble(PlanTrouble::Outdates(99));
    let (status, text) = gateway
        .refused(
            Method::PATCH,
            &path_of(&id),
            "alice",
            &json!({"name": "daily"}),
        )
        .await;
    assert_eq!((status, text.contains("by others")), (409, true), "{text}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_change_whose_answer_got_lost_is_made_once() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    gateway
        .scheduler
        .table
        .edit(|table| table.plans.trouble = PlanTrouble::LosesAnswer);
    let answer = change(&gateway, &id, &json!({"name": "weekly"})).await;
    let updates = gateway
        .scheduler
        .table
        .edit(|table| table.plans.updates.len());
    assert_eq!((&answer["version"], updates), (&json!(2), 1));
    gateway.stop().await;
}

#[tokio::test]
async fn a_plan_is_replaced_whole() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    let whole = json!({"description": "new", "job_actions": [action("golden")]});
    let answer = gateway
        .answer(Method::POST, &path_of(&id), "alice", &whole)
        .await;
    assert_eq!(
        document(201, answer).await,
        json!({"job_id": id, "version": 2})
    );
    let shown = gateway.shown(&id).await;
    assert_eq!(
        (&shown["name"], &shown["description"]),
        (&json!(""), &json!("new"))
    );
    assert_eq!(shown["job_schedule"]["schedule_hour"], Value::Null);
    assert_eq!(rescheduled(&gateway), (true, false));
    gateway.stop().await;
}

#[tokio::test]
async fn one_that_is_not_there_is_created_under_its_id() {
    let gateway = TestGateway::start().await;
    let answer = gateway
        .answer(Method::POST, &path_of(UNKNOWN), "alice", &plan())
        .await;
    assert_eq!(
        document(201, answer).await,
        json!({"job_id": UNKNOWN, "version": 1})
    );
    assert_eq!(gateway.shown(UNKNOWN).await["name"], "nightly");
    gateway.stop().await;
}

#[tokio::test]
async fn whoever_writes_last_is_whose_rights_count() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    gateway
        .cloud
        .add_token("anna", Some(SOURCE_TENANT), &["member"]);
    let rename = json!({"name": "annas"});
    let path = path_of(&id);
    let (status, text) = gateway.refused(Method::PATCH, &path, "anna", &rename).await;
    assert_eq!((status, text.contains("no role")), (403, true), "{text}");
    // One that does not fire needs no rights.
    let off = json!({"disabled": true});
    let answer = gateway.answer(Method::PATCH, &path, "anna", &off).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(gateway.shown(&id).await["user_id"], "anna-id");
    gateway.cloud.edit(|state| {
        let there = ("anna".to_owned(), DESTINATION_TENANT.to_owned());
        state.roles.insert(there, vec!["member".to_owned()]);
    });
    let answer = gateway
        .answer(Method::PATCH, &path, "anna", &json!({"disabled": false}))
        .await;
    assert_eq!(answer.status(), 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_plan_is_deleted_whether_it_is_there_or_not() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    // Another project's request finds nothing, and says so in the same way.
    let bobs = format!("/v2/0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b/jobs/{id}");
    assert_eq!(gateway.delete(&bobs, "bob").await.status(), 204);
    assert_eq!(gateway.shown(&id).await["name"], "nightly");
    for path in [
        path_of(&id),
        path_of(&id),
        path_of(UNKNOWN),
        path_of("no-id"),
    ] {
        let response = gateway.delete(&path, "alice").await;
        assert_eq!(response.status(), 204, "{path}");
        assert!(!response.headers().contains_key("content-type"));
    }
    assert_eq!(gateway.get(&path_of(&id), "alice").await.status(), 404);
    gateway.stop().await;
}
