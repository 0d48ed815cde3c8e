//! Plans that are told to start, to stop, to abort.

use http::Method;
use serde_json::json;

use super::{document, path_of, plan};
use crate::gateway::TestGateway;

#[tokio::test]
async fn an_event_is_accepted_with_its_result() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    let event = format!("{}/event", path_of(&id));
    for (body, result, status) in [
        (json!({"start": null}), "success", "running"),
        (json!({"start": null}), "start already requested", "running"),
        (json!({"stop": null}), "success", "stop"),
        (json!({"abort": {}}), "success", "stop"),
    ] {
        let answer = gateway.answer(Method::POST, &event, "alice", &body).await;
        assert_eq!(
            document(202, answer).await,
            json!({"result": result}),
            "{body}"
        );
        let shown = gateway.shown(&id).await;
        assert_eq!(shown["status"], status, "{body}");
        assert!(
            body.get(shown["job_schedule"]["event"].as_str().expect("a text"))
                .is_some()
        );
    }
    let creator = gateway
        .scheduler
        .table
        .edit(|table| table.plans.signals[0].creator.clone());
    assert_eq!(creator.expect("a creator").user_id, "alice-id");
    gateway.stop().await;
}

#[tokio::test]
async fn whatever_is_no_event_is_refused() {
    let gateway = TestGateway::start().await;
    let id = gateway.accepted_plan(&plan()).await;
    let event = format!("{}/event", path_of(&id));
    for wrong in [
        json!({}),
        json!({"pause": null}),
        json!({"start": null, "stop": null}),
    ] {
        let (status, text) = gateway.refused(Method::POST, &event, "alice", &wrong).await;
        assert_eq!(
            (status, text.contains(r#"{"start": null}"#)),
            (400, true),
            "{text}"
        );
    }
    let unknown = format!("{}/event", path_of("e632eb1884e0468c8a41e656942df500"));
    let start = json!({"start": null});
    let refusal = gateway
        .refused(Method::POST, &unknown, "alice", &start)
        .await;
    assert_eq!(refusal, (404, "There is no such plan.".to_owned()));
    let (status, _) = gateway.refused(Method::POST, &event, "rita", &start).await;
    assert_eq!(status, 403);
    gateway.stop().await;
}
