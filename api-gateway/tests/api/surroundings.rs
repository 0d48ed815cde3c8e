//! What holds for every request, whatever it asks for.

use http::Method;
use serde_json::{Value, json};

use crate::cloud::{IMAGE, SOURCE_TENANT};
use crate::gateway::{JOBS, TestGateway, body, json_refusal, refusal};

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_in_the_same_style() {
    let gateway = TestGateway::start().await;
    for path in ["/nothing", "/v2/p/servers", &format!("{JOBS}/a/b")] {
        assert_eq!(
            refusal(gateway.get(path, "alice").await).await.0,
            404,
            "{path}"
        );
    }
    let response = gateway.delete(JOBS, "alice").await;
    let mut allowed: Vec<&str> = response.headers()["allow"]
        .to_str()
        .expect("text")
        .split(',')
        .collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    assert_eq!(refusal(response).await.0, 405);
    gateway.stop().await;
}

#[tokio::test]
async fn slashes_at_either_end_of_a_path_make_no_difference() {
    let gateway = TestGateway::start().await;
    let job = gateway.accepted_job().await;
    let images = format!("/v2/{SOURCE_TENANT}/images");
    for path in [
        "/v2",
        "/v2.1",
        "/openapi.json",
        &format!("{images}/{IMAGE}"),
        &format!("{images}/{IMAGE}/metadata"),
        &format!("/v2/{SOURCE_TENANT}/jobs"),
        JOBS,
        &format!("{JOBS}/{job}"),
    ] {
        let expected = gateway.get(path, "alice").await;
        assert_eq!(expected.status(), 200, "{path}");
        let expected = body(expected).await;
        for same in [format!("{path}/"), format!("/{path}"), format!("{path}/?")] {
            let answer = gateway.get(&same, "alice").await;
            assert_eq!(answer.status(), 200, "{same}");
            assert_eq!(body(answer).await, expected, "{same}");
        }
    }
    // The query stays.
    let jobs = gateway.get(&format!("{JOBS}/?status=error"), "alice").await;
    assert_eq!(body(jobs).await, "[]");
    let plan = format!("/v2/{SOURCE_TENANT}/jobs/e632eb1884e0468c8a41e656942df500");
    let (status, document) = json_refusal(gateway.get(&format!("{plan}/"), "alice").await).await;
    assert_eq!(
        (status, &document["description"]),
        (404, &json!("There is no such plan."))
    );
    gateway.stop().await;
}

#[tokio::test]
async fn each_api_refuses_in_its_own_style() {
    let gateway = TestGateway::start().await;
    let nothing = "There is nothing at this path.";
    for path in ["/v2/p/images/a/b/c/d", "/v2.1/p/servers"] {
        let (status, document) = json_refusal(gateway.get(path, "alice").await).await;
        let expected = json!({"itemNotFound": {"message": nothing, "code": 404}});
        assert_eq!((status, document), (404, expected), "{path}");
    }
    for path in ["/v2/p/jobs/a/b/c", "/v2/p/jobs/a/b/c/"] {
        let (status, document) = json_refusal(gateway.get(path, "alice").await).await;
        let expected = json!({"title": "Not Found", "description": nothing});
        assert_eq!((status, document), (404, expected), "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_refused_head_has_the_length_of_the_refused_get() {
    let gateway = TestGateway::start().await;
    for path in [JOBS, "/v2.1/p/servers"] {
        let get = gateway.get(path, "nobody").await;
        let head = gateway.request(Method::HEAD, path, "nobody").send().await;
        let head = head.expect("an answer");
        assert_eq!(head.status(), get.status());
        assert_eq!(
            head.headers()["content-length"],
            get.headers()["content-length"]
        );
        let bytes = body(get).await.len().to_string();
        assert_eq!(head.headers()["content-length"], bytes.as_str());
    }
    gateway.stop().await;
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let gateway = TestGateway::start().await;
    let mut ids = Vec::new();
    for path in [JOBS, "/openapi.json", "/nothing"] {
        for user in ["alice", "nobody"] {
            let response = gateway.get(path, user).await;
            let id = response.headers()["x-openstack-request-id"]
                .to_str()
                .expect("text");
            assert_eq!((id.len(), &id[..4]), (40, "req-"));
            ids.push(id.to_owned());
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    gateway.stop().await;
}

/// A connection on which a caller is still sending must not be closed over its answer: the caller, or
/// a front that passes bodies on as they come, would only see a reset.
#[tokio::test]
async fn an_answer_before_the_body_was_read_leaves_the_connection_whole() {
    let gateway = TestGateway::start().await;
    let rest_of_body = "x".repeat(8 * 1024 * 1024);
    let head = |path: &str, token: &str, more: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: gateway\r\nX-Auth-Token: {token}\r\n{more}\r\n")
    };
    let length = format!("Content-Length: {}\r\n", rest_of_body.len());
    for (path, token) in [(JOBS, "nobody"), (JOBS, "alice"), ("/nothing", "alice")] {
        let first = head(path, token, &length) + &rest_of_body;
        let last = head(
            "/nothing",
            token,
            "Connection: close\r\nContent-Length: 0\r\n",
        );
        let answers = gateway.raw(&(first + &last)).await;
        assert_eq!(
            answers.matches("HTTP/1.1 4").count(),
            2,
            "{path} {token}: {answers}"
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_api_document_is_served_without_a_token() {
    let gateway = TestGateway::start().await;
    let response = gateway.get("/openapi.json", "").await;
    assert_eq!(response.status(), 200);
    let document: Value = body(response).await.parse().expect("JSON");
    assert!(document["paths"][JOBS]["post"]["responses"]["202"].is_object());
    gateway.stop().await;
}
