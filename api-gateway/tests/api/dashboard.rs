//! What the dashboard is told when Keystone is away, or refuses.

use http::Method;
use serde_json::{Value, json};
use service_kit::audit::Trail;
use service_kit::config::LogFormat;

use crate::gateway::{JOBS, TestGateway, body, refusal};

const SIGN_IN: &str = "/dashboard/api/sign-in";

async fn sign_in(gateway: &TestGateway, document: &Value) -> reqwest::Response {
    gateway
        .request(Method::POST, SIGN_IN, "")
        .json(document)
        .send()
        .await
        .expect("an answer")
}

#[tokio::test]
async fn a_keystone_that_is_away_is_said_to_be() {
    let gateway = TestGateway::start().await;
    // From here on the token is known, and Keystone is only needed for what is asked for.
    assert_eq!(gateway.get(JOBS, "alice").await.status(), 200);
    gateway.cloud.edit(|state| state.down.insert("keystone"));
    let proof = json!({"user": "alice", "domain": "Default", "password": "never-told"});
    let (status, text) = refusal(sign_in(&gateway, &proof).await).await;
    assert_eq!(status, 503);
    assert!(text.contains("Keystone is out of reach"), "{text}");
    assert!(!text.contains("never-told"), "{text}");
    let projects = gateway.get("/dashboard/api/projects", "alice").await;
    assert_eq!(refusal(projects).await.0, 503);
    // A form can offer the regions all the same, and say what is missing.
    let regions = gateway.get("/dashboard/api/regions", "alice").await;
    assert_eq!(regions.status(), 200);
    let regions: Value = body(regions).await.parse().expect("JSON");
    for region in regions["regions"].as_array().expect("a list") {
        let why = region["unknown_because"].as_str().expect("a reason");
        assert!(why.contains("identity service"), "{why}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_that_is_good_stays_what_it_is_and_another_is_refused() {
    let gateway = TestGateway::start().await;
    let (status, text) = refusal(sign_in(&gateway, &json!({"token": "nobody's"})).await).await;
    assert_eq!(status, 401);
    assert!(text.contains("does not accept this token"), "{text}");
    let same = sign_in(&gateway, &json!({"token": "alice"})).await;
    assert_eq!(same.status(), 200);
    assert_eq!(same.headers()["cache-control"], "no-store");
    let session: Value = body(same).await.parse().expect("JSON");
    assert_eq!(
        (&session["token"], &session["may_copy"]),
        (&json!("alice"), &json!(true))
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_sign_in_is_on_record_and_what_it_showed_is_not() {
    let gateway = TestGateway::start().await;
    let trail = Trail::begin(LogFormat::Json);
    for (token, outcome) in [("alice", "success"), ("nobodys-token", "failure")] {
        let answer = sign_in(&gateway, &json!({"token": token})).await;
        let id = answer.headers()["x-openstack-request-id"].to_str();
        let id = id.expect("text");
        let mut lines = trail.lines();
        lines.retain(|line| line.contains(id));
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line: Value = lines[0].parse().expect("JSON");
        assert_eq!(line["audit.action"], "signIn");
        assert_eq!(line["audit.outcome"], outcome, "{line}");
        assert_eq!(line["audit.initiator.host.address"], "127.0.0.1");
        assert!(!lines[0].contains("nobodys-token"), "{line}");
    }
    gateway.stop().await;
}
