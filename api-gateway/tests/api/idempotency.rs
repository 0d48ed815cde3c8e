//! `Idempotency-Key`: repeating a request is harmless.

use futures::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};

use crate::cloud::{DESTINATION_TENANT, IMAGE};
use crate::gateway::{TestGateway, copy_request, job_id, refusal};
use crate::scheduler::Trouble;

async fn copy_with_key(gateway: &TestGateway, key: &str, body: &Value) -> Response {
    let request = gateway.copy("alice", body).header("Idempotency-Key", key);
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn the_same_request_gets_the_same_job_even_when_its_image_is_gone() {
    let gateway = TestGateway::start().await;
    let first = copy_with_key(&gateway, "nightly", &copy_request()).await;
    assert_eq!(first.status(), 202);
    let first = job_id(first).await;
    gateway.cloud.edit(|cloud| cloud.images.clear());
    let again = copy_with_key(&gateway, "nightly", &copy_request()).await;
    assert_eq!(again.status(), 202);
    assert_eq!(job_id(again).await, first);
    let new_key = copy_with_key(&gateway, "weekly", &copy_request()).await;
    assert_eq!(refusal(new_key).await.0, 404);
    gateway.stop().await;
}

#[tokio::test]
async fn another_request_with_the_key_is_a_conflict() {
    let gateway = TestGateway::start().await;
    copy_with_key(&gateway, "nightly", &copy_request()).await;
    let other = json!({
        "image_id": IMAGE, "tenant_id_dst": DESTINATION_TENANT, "if_identical": "reuse",
    });
    let (status, text) = refusal(copy_with_key(&gateway, "nightly", &other).await).await;
    assert_eq!(
        (status, text.contains("Idempotency-Key")),
        (409, true),
        "{text}"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn requests_at_the_same_time_make_one_job() {
    let gateway = TestGateway::start().await;
    let body = copy_request();
    let answers = join_all((0..10).map(|_| copy_with_key(&gateway, "nightly", &body))).await;
    assert!(answers.iter().all(|answer| answer.status() == 202));
    let mut ids = join_all(answers.into_iter().map(job_id)).await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(gateway.scheduler.table.edit(|table| table.jobs.len()), 1);
    gateway.stop().await;
}

/// The caller will ask again with the key, and must find a job that goes on.
#[tokio::test]
async fn a_job_of_unknown_fate_is_kept_for_who_can_ask_again() {
    let gateway = TestGateway::start_with(&[("GATEWAY__REQUEST_DEADLINE", "2s")]).await;
    gateway
        .scheduler
        .table
        .edit(|table| table.trouble = Trouble::Hangs);
    let (status, text) = refusal(copy_with_key(&gateway, "nightly", &copy_request()).await).await;
    assert_eq!(
        (status, text.contains("same Idempotency-Key")),
        (503, true),
        "{text}"
    );
    gateway
        .scheduler
        .table
        .edit(|table| table.trouble = Trouble::None);
    let again = job_id(copy_with_key(&gateway, "nightly", &copy_request()).await).await;
    assert!(text.contains(&again), "{text} names {again}");
    let status = gateway.scheduler.table.edit(|table| table.jobs[0].status());
    assert_eq!(status, proto::v1::JobStatus::ReplicateRequested);
    gateway.stop().await;
}
