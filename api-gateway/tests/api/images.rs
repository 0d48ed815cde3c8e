//! The compute-style API where its surroundings fail; what it says of real images is shown on a real
//! Glance.

use http::Method;
use serde_json::{Value, json};

use crate::cloud::{IMAGE, SOURCE_TENANT};
use crate::gateway::{TestGateway, body, json_refusal};
use crate::scheduler::Trouble;

fn path(rest: &str) -> String {
    format!("/v2/{SOURCE_TENANT}{rest}")
}

async fn document(gateway: &TestGateway, path: &str, user: &str) -> Value {
    let response = gateway.get(path, user).await;
    assert_eq!(response.status(), 200, "{path}");
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/json; charset=UTF-8");
    assert_eq!(
        headers["x-compute-request-id"],
        headers["x-openstack-request-id"]
    );
    body(response).await.parse().expect("JSON")
}

/// The image is being filled by a copy job that has done 42 %.
async fn fill(gateway: &TestGateway) -> String {
    let job = gateway.accepted_job().await;
    gateway
        .scheduler
        .table
        .edit(|table| table.jobs[0].copy_progress = 42);
    gateway.cloud.edit(|cloud| {
        let image = cloud.images.get_mut(IMAGE).expect("the image");
        image["status"] = json!("saving");
        image["replicated_by_job"] = json!(job);
    });
    job
}

#[tokio::test]
async fn the_progress_of_a_copy_is_asked_for_with_what_the_image_says() {
    let gateway = TestGateway::start().await;
    let image = path(&format!("/images/{IMAGE}"));
    let shown = document(&gateway, &image, "rita").await;
    assert_eq!(shown["image"]["progress"], 100);
    let asked = |gateway: &TestGateway| {
        let table = &gateway.scheduler.table;
        table.edit(|table| table.progress_asked.clone())
    };
    assert!(asked(&gateway).is_empty());

    let job = fill(&gateway).await;
    let shown = document(&gateway, &image, "rita").await;
    assert_eq!(shown["image"]["status"], "SAVING");
    assert_eq!(shown["image"]["progress"], 42);
    let asked = asked(&gateway);
    assert_eq!((asked.len(), asked[0].region_id.as_str()), (1, "ot1"));
    let copied = &asked[0].images[0];
    assert_eq!(
        (&*copied.image_id, &*copied.tenant_id, &copied.job_id),
        (IMAGE, SOURCE_TENANT, &job)
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_scheduler_that_is_away_or_hangs_costs_no_more_than_the_real_progress() {
    let mut gateway = TestGateway::start().await;
    fill(&gateway).await;
    let image = path(&format!("/images/{IMAGE}"));
    gateway
        .scheduler
        .table
        .edit(|table| table.trouble = Trouble::Hangs);
    let shown = document(&gateway, &image, "alice").await;
    assert_eq!(shown["image"]["progress"], 50);
    gateway.scheduler.stop().await;
    let shown = document(&gateway, &image, "alice").await;
    assert_eq!(shown["image"]["progress"], 50);
    gateway.stop().await;
}

#[tokio::test]
async fn a_glance_out_of_reach_is_a_503() {
    let gateway = TestGateway::start().await;
    gateway.cloud.edit(|cloud| cloud.down.insert("ot1"));
    for rest in ["/images", "/images/detail", &format!("/images/{IMAGE}")] {
        let (status, document) = json_refusal(gateway.get(&path(rest), "alice").await).await;
        let fault = &document["serviceUnavailable"];
        assert_eq!((status, &fault["code"]), (503, &json!(503)), "{rest}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_token_is_looked_at_before_anything_else() {
    let gateway = TestGateway::start().await;
    let (status, document) = json_refusal(gateway.get("/v2/p/images/x", "nobody").await).await;
    let fault = json!({"message": "Authentication required.", "code": 401});
    assert_eq!((status, document), (401, json!({ "unauthorized": fault })));
    // Then the project, then the image.
    let (status, document) = json_refusal(gateway.get("/v2/p/images/x", "alice").await).await;
    let message = format!(
        "Malformed request URL: URL's project_id 'p' doesn't match Context's project_id \
         '{SOURCE_TENANT}'"
    );
    let fault = json!({"badRequest": {"message": message, "code": 400}});
    assert_eq!((status, document), (400, fault));
    let not_found = json!({"itemNotFound": {"message": "Image not found.", "code": 404}});
    for rest in ["/images/x", "/images/x/metadata", "/images/x/metadata/k"] {
        let answer = json_refusal(gateway.get(&path(rest), "alice").await).await;
        assert_eq!(answer, (404, not_found.clone()), "{rest}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_caller_without_a_host_is_told_so() {
    let gateway = TestGateway::start().await;
    let answer = gateway.raw("GET /v2/ HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 400") || answer.starts_with("HTTP/1.1 400"));
    assert!(answer.contains("{\"badRequest\": {"), "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn only_reading_is_offered() {
    let gateway = TestGateway::start().await;
    let image = path(&format!("/images/{IMAGE}"));
    let (status, document) = json_refusal(gateway.delete(&image, "alice").await).await;
    assert_eq!((status, &document["badMethod"]["code"]), (405, &json!(405)));
    for path in [&*image, "/", "/v2", "/v2.1/"] {
        let head = gateway.request(Method::HEAD, path, "alice").send().await;
        let head = head.expect("an answer");
        let get = gateway.get(path, "alice").await;
        assert_eq!((head.status().as_u16(), get.status().as_u16()), (200, 200));
        let length = |response: &reqwest::Response| response.headers()["content-length"].clone();
        assert_eq!(length(&head), length(&get), "{path}");
    }
    gateway.stop().await;
}
