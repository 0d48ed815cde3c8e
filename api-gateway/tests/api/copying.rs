//! `POST …/jobs`: what is accepted, and which failure answers first.

use serde_json::json;

use crate::cloud::{DESTINATION_TENANT, IMAGE, SOURCE_TENANT};
use crate::gateway::{JOBS, TestGateway, body, copy_request, refusal};

#[tokio::test]
async fn a_copy_is_accepted_and_the_job_says_what_was_asked_for() {
    let gateway = TestGateway::start().await;
    let response = gateway
        .copy("alice", &copy_request())
        .header(
            "X-OpenStack-Request-Id",
            "req-3712f1be-48c3-4502-b1d8-9b083f978731",
        )
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 202);
    assert_eq!(
        response.headers()["content-type"],
        "application/json; charset=UTF-8"
    );
    let own_id = response.headers()["x-openstack-request-id"]
        .to_str()
        .expect("text")
        .to_owned();
    assert_ne!(own_id, "req-3712f1be-48c3-4502-b1d8-9b083f978731");
    let text = body(response).await;

    let job = gateway.scheduler.table.edit(|table| table.jobs[0].clone());
    assert_eq!(text, format!(r#"{{"job_id":"{}"}}"#, job.job_id));
    let spec = job.spec.expect("a specification");
    assert_eq!(spec.source_region_id, "ot1");
    assert_eq!(spec.source_tenant_id, SOURCE_TENANT);
    assert_eq!(spec.source_image_id, IMAGE);
    assert_eq!(spec.source_image_name, "Test-image-Ubuntu");
    assert_eq!(spec.destination_region_id, "ot2");
    assert_eq!(spec.destination_tenant_id, DESTINATION_TENANT);
    assert_eq!(spec.requested_by, "alice-id");
    assert_eq!(spec.source_digest.expect("a digest").size_bytes, 4096);

    let sent_on = gateway.cloud.edit(|cloud| cloud.request_ids.clone());
    assert!(
        sent_on
            .iter()
            .all(|id| id == "req-3712f1be-48c3-4502-b1d8-9b083f978731"),
        "{sent_on:?}"
    );
    let timeouts = gateway.scheduler.table.edit(|table| table.timeouts.clone());
    assert!(
        timeouts.iter().all(|timeout| !timeout.is_empty()),
        "creates carry a deadline"
    );
    gateway.stop().await;
}

/// The documented examples, as they go over the wire.
#[tokio::test]
async fn the_documented_refusals_are_answered_to_the_byte() {
    let gateway = TestGateway::start().await;
    let host = gateway.address;
    let unauthenticated = gateway
        .raw(&format!(
            "GET {JOBS}/33911588-c299-4369-a240-7e5b741cdb6a HTTP/1.1\r\n\
             Host: {host}\r\nConnection: close\r\n\r\n"
        ))
        .await;
    let (head, text) = unauthenticated
        .split_once("\r\n\r\n")
        .expect("head and body");
    assert!(head.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{head}");
    for line in [
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Length: 44",
        "Vary: X-Auth-Token",
        &format!(
            "Www-Authenticate: Keystone uri=\"http://{}/v3\"",
            gateway.cloud.address
        ),
    ] {
        assert!(
            head.lines().any(|there| there == line),
            "{line} is not in\n{head}"
        );
    }
    assert_eq!(text, "401 Unauthorized\n\nAuthentication required.\n\n");

    let body = copy_request().to_string();
    let untyped = gateway
        .raw(&format!(
            "POST {JOBS} HTTP/1.1\r\nHost: {host}\r\nX-Auth-Token: alice\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
    let (head, text) = untyped.split_once("\r\n\r\n").expect("head and body");
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
    assert!(
        head.lines().any(|line| line == "Content-Length: 66"),
        "{head}"
    );
    assert_eq!(
        text,
        "400 Bad Request\n\nThere is no such action: Content-Type in header\n\n"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn the_first_check_that_fails_answers() {
    let gateway = TestGateway::start().await;
    let unknown_image = json!({
        "image_id": "00000000-0000-4000-8000-000000000000",
        "tenant_id_dst": "00000000000040008000000000000000",
    });
    // Everything is wrong; then one thing less at a time.
    let post = |user: &str, content_type: &str, text: String| {
        gateway
            .request(reqwest::Method::POST, JOBS, user)
            .header("Content-Type", content_type.to_owned())
            .body(text)
            .send()
    };
    let answer = |response: Result<_, reqwest::Error>| refusal(response.expect("an answer"));
    let (status, _) = answer(post("nobody", "text/plain", "{".to_owned()).await).await;
    assert_eq!(status, 401);
    let (status, text) = answer(post("alice", "text/plain", "{".to_owned()).await).await;
    assert_eq!((status, text.contains("Content-Type")), (400, true));
    let (status, text) = answer(post("alice", "application/json", "{".to_owned()).await).await;
    assert_eq!((status, text.contains("not JSON")), (400, true));
    let text = unknown_image.to_string();
    let (status, text) = answer(post("alice", "application/json", text).await).await;
    assert_eq!((status, text.contains("Image 00000000")), (404, true));
    let known_image = json!({
        "image_id": IMAGE, "tenant_id_dst": "00000000000040008000000000000000",
    });
    let text = known_image.to_string();
    let (status, text) = answer(post("alice", "application/json", text).await).await;
    assert_eq!((status, text.contains("Tenant 0000")), (404, true));
    assert_eq!(gateway.scheduler.table.edit(|table| table.creates), 0);
    gateway.stop().await;
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let gateway = TestGateway::start().await;
    let ask = || async {
        let response = gateway
            .copy("alice", &copy_request())
            .send()
            .await
            .expect("an answer");
        refusal(response).await
    };
    let set = |key: &str, value: serde_json::Value| {
        gateway
            .cloud
            .edit(|cloud| cloud.images.get_mut(IMAGE).expect("the image")[key] = value);
    };

    set("status", json!("queued"));
    assert_eq!(ask().await.0, 409);
    set("status", json!("active"));
    set("size", json!(0));
    assert_eq!(ask().await.0, 409);
    set("size", json!(4096));
    set("disk_format", json!("vhd"));
    assert_eq!(ask().await.0, 409);
    set("disk_format", json!("qcow2"));
    set("license_switch_type", json!("windows"));
    assert_eq!(ask().await.0, 404);
    set("license_switch_type", json!(""));

    for region in ["ot1", "ot2"] {
        gateway.cloud.edit(|cloud| cloud.down.insert(region));
        let (status, text) = ask().await;
        assert_eq!((status, text.contains(region)), (409, true), "{text}");
        gateway.cloud.edit(|cloud| cloud.down.clear());
    }
    gateway.cloud.edit(|cloud| cloud.down.insert("keystone"));
    assert_eq!(ask().await.0, 503);
    gateway.cloud.edit(|cloud| cloud.down.clear());

    gateway.cloud.edit(|cloud| cloud.roles.clear());
    let (status, text) = ask().await;
    assert_eq!(
        (status, text.contains(DESTINATION_TENANT)),
        (401, true),
        "{text}"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_has_its_limit() {
    let gateway = TestGateway::start().await;
    let large = json!({"image_id": "x".repeat(70_000)});
    let response = gateway
        .copy("alice", &large)
        .send()
        .await
        .expect("an answer");
    let (status, text) = refusal(response).await;
    assert_eq!(status, 413);
    assert!(text.contains("65536 bytes"), "{text}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_reader_is_told_that_there_is_no_image() {
    let gateway = TestGateway::start().await;
    let response = gateway
        .copy("rita", &copy_request())
        .send()
        .await
        .expect("an answer");
    let (status, text) = refusal(response).await;
    let missing =
        format!("404 Not Found\n\nImage {IMAGE} does not exist, or you may not download it.\n\n");
    assert_eq!((status, text), (404, missing));
    gateway.stop().await;
}

#[tokio::test]
async fn a_glance_that_hangs_is_down() {
    let gateway = TestGateway::start_with(&[("GATEWAY__REQUEST_DEADLINE", "2s")]).await;
    for region in ["ot1", "ot2"] {
        gateway.cloud.edit(|cloud| cloud.frozen.insert(region));
        let response = gateway
            .copy("alice", &copy_request())
            .send()
            .await
            .expect("an answer");
        let (status, text) = refusal(response).await;
        assert_eq!((status, text.contains(region)), (409, true), "{text}");
        gateway.cloud.edit(|cloud| cloud.frozen.clear());
    }
    gateway.stop().await;
}
