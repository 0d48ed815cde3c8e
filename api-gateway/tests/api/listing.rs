//! List, show, cancel.

use proto::v1::JobStatus;
use serde_json::Value;

use crate::gateway::{JOBS, TestGateway, body, refusal};
use crate::jobs::{job, job_id, own_job};

async fn ids(response: reqwest::Response) -> Vec<String> {
    let jobs: Value = body(response).await.parse().expect("JSON");
    let jobs = jobs.as_array().expect("a bare array");
    jobs.iter()
        .map(|job| job["job_id"].as_str().expect("an id").to_owned())
        .collect()
}

fn next_page(response: &reqwest::Response) -> Option<String> {
    let link = response.headers().get("link")?.to_str().expect("text");
    let (target, relation) = link.split_once(">; ").expect("a link");
    assert_eq!(relation, r#"rel="next""#);
    Some(target.trim_start_matches('<').to_owned())
}

async fn start_with_jobs(count: u32) -> TestGateway {
    let gateway = TestGateway::start().await;
    for number in 1..=count {
        let status = if number % 2 == 0 {
            JobStatus::Error
        } else {
            JobStatus::Replicating
        };
        gateway.scheduler.table.put(own_job(number, status));
    }
    gateway
        .scheduler
        .table
        .put(job(900, "somebody-else", JobStatus::Replicating));
    gateway
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repetition() {
    let gateway = start_with_jobs(7).await;
    let mut path = Some(format!("{JOBS}?limit=3"));
    let mut seen = Vec::new();
    while let Some(page) = path {
        let response = gateway.get(&page, "alice").await;
        path = next_page(&response);
        seen.extend(ids(response).await);
    }
    let newest_first: Vec<String> = (1..=7).rev().map(job_id).collect();
    assert_eq!(seen, newest_first);
    let all = gateway.get(JOBS, "rita").await;
    assert!(next_page(&all).is_none());
    assert_eq!(ids(all).await, newest_first);
    gateway.stop().await;
}

#[tokio::test]
async fn filters_apply_and_are_kept_from_page_to_page() {
    let gateway = start_with_jobs(7).await;
    let query = format!("{JOBS}?status=error,canceled&sort_dir=asc&limit=2");
    let first = gateway.get(&query, "alice").await;
    let second = gateway
        .get(&next_page(&first).expect("another page"), "alice")
        .await;
    assert_eq!(ids(first).await, [job_id(2), job_id(4)]);
    assert_eq!(ids(second).await, [job_id(6)]);
    let (status, text) = refusal(gateway.get(&format!("{JOBS}?colour=red"), "alice").await).await;
    assert_eq!((status, text.contains("colour")), (400, true));
    let lost = format!("{JOBS}?marker={}", job_id(999));
    let (status, text) = refusal(gateway.get(&lost, "alice").await).await;
    assert_eq!((status, text.contains("marker")), (400, true));
    gateway.stop().await;
}

#[tokio::test]
async fn all_tenants_are_for_administrators() {
    let gateway = start_with_jobs(1).await;
    let all = format!("{JOBS}?all_tenants=true");
    assert_eq!(refusal(gateway.get(&all, "alice").await).await.0, 403);
    assert_eq!(
        ids(gateway.get(&all, "root").await).await,
        [job_id(900), job_id(1)]
    );
    assert!(ids(gateway.get(JOBS, "root").await).await.is_empty());
    let foreign = format!("{JOBS}/{}", job_id(900));
    assert_eq!(gateway.get(&foreign, "root").await.status(), 200);
    assert_eq!(gateway.delete(&foreign, "root").await.status(), 204);
    gateway.stop().await;
}

#[tokio::test]
async fn a_job_is_shown_to_its_project_only() {
    let gateway = start_with_jobs(1).await;
    let own = format!("{JOBS}/{}", job_id(1));
    let response = gateway
        .get(
            &own.to_uppercase().replace(&JOBS.to_uppercase(), JOBS),
            "alice",
        )
        .await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "application/json; charset=UTF-8"
    );
    let document: Value = body(response).await.parse().expect("JSON");
    assert_eq!(document["status"], "replicating");
    let foreign = format!("{JOBS}/{}", job_id(900));
    let unknown = format!("{JOBS}/{}", job_id(901));
    for path in [
        &foreign,
        &unknown,
        &format!("{JOBS}/no-uuid"),
        &format!("{JOBS}/%ff"),
    ] {
        for response in [
            gateway.get(path, "alice").await,
            gateway.delete(path, "alice").await,
        ] {
            let (status, text) = refusal(response).await;
            assert_eq!(status, 404, "{path}");
            assert_eq!(text, "404 Not Found\n\nThere is no such copy job.\n\n");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_cancel_has_no_content_type_and_comes_once() {
    let gateway = start_with_jobs(1).await;
    let own = format!("{JOBS}/{}", job_id(1));
    assert_eq!(refusal(gateway.delete(&own, "rita").await).await.0, 403);
    let response = gateway
        .request(reqwest::Method::DELETE, &own, "alice")
        .header("Content-Type", "application/octet-stream")
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 204);
    assert!(!response.headers().contains_key("content-type"));
    assert!(response.headers().contains_key("x-openstack-request-id"));
    assert_eq!(body(response).await, "");
    assert_eq!(gateway.get(&own, "alice").await.status(), 200);
    assert_eq!(refusal(gateway.delete(&own, "alice").await).await.0, 409);
    gateway.stop().await;
}
