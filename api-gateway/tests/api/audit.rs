//! The audit trail: one line for each request that would change something, whoever answers it, and none for any other.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use http::Method;
use reqwest::Response;
use serde_json::{Value, json};
use service_kit::audit::Trail;
use service_kit::config::LogFormat;

use crate::cloud::{DESTINATION_TENANT, IMAGE, SOURCE_TENANT};
use crate::gateway::{JOBS, TestGateway, copy_request, job_id, until};
use crate::scheduler::Trouble;

/// What must stand in no line: it is sent wherever a caller can send something.
const SECRET: &str = "gAAAAABaudit-must-not-tell";

fn lines(trail: &Trail) -> Vec<Value> {
    let lines = trail.lines();
    let parsed = lines.iter().map(|line| line.parse());
    parsed.collect::<Result<_, _>>().expect("JSON")
}

/// The only line about a request, found by the id in its answer.
fn line_of(trail: &Trail, answer: &Response) -> Value {
    let id = answer.headers()["x-openstack-request-id"].to_str();
    let id = id.expect("text").to_owned();
    let mut lines = lines(trail);
    lines.retain(|line| line["audit.request.id"] == id.as_str());
    assert_eq!(lines.len(), 1, "{answer:?}: {lines:#?}");
    lines.remove(0)
}

/// The operations of the API document with these methods: name, method and path.
fn operations(methods: &[&str]) -> Vec<(String, Method, String)> {
    let document: Value = api_gateway::openapi_json()
        .expect("a document")
        .parse()
        .expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let of_paths = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("operations");
        item.iter().map(move |(method, operation)| {
            let name = operation["operationId"].as_str().expect("an id");
            (name.to_owned(), method.to_uppercase(), path.clone())
        })
    });
    of_paths
        .filter(|(_, method, _)| methods.contains(&method.as_str()))
        .map(|(name, method, path)| (name, method.parse().expect("a method"), path))
        .collect()
}

const UNKNOWN: &str = "e632eb18-84e0-468c-8a41-e656942df500";

fn at_unknown(path: &str) -> String {
    path.replace("{job_id}", UNKNOWN)
        .replace("{project_id}", SOURCE_TENANT)
        .replace("{image_id}", IMAGE)
        .replace("{key}", "architecture")
}

#[tokio::test]
async fn every_operation_that_changes_something_is_on_record_once_also_when_it_is_refused() {
    let gateway = TestGateway::start().await;
    let trail = Trail::begin(LogFormat::Json);
    let operations = operations(&["POST", "PUT", "PATCH", "DELETE"]);
    assert!(operations.len() >= 7, "{operations:?}");
    let mut requests = 0;
    for (name, method, path) in operations {
        // Refused for the body or the target, for the role, for the token.
        for (user, who) in [
            ("alice", Some("alice-id")),
            ("rita", Some("rita-id")),
            (SECRET, None),
        ] {
            let request = gateway
                .request(method.clone(), &at_unknown(&path), user)
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", SECRET)
                .header("X-Forwarded-For", "192.0.2.1")
                .query(&[("token", SECRET)])
                .body(json!({"password": SECRET}).to_string());
            let answer = request.send().await.expect("an answer");
            requests += 1;
            let line = line_of(&trail, &answer);
            let status = answer.status().as_u16();
            assert_eq!(line["audit.action"], name.as_str());
            assert_eq!(line["audit.reason.code"], status);
            let expected = if status < 300 { "success" } else { "failure" };
            assert_eq!(line["audit.outcome"], expected, "{line}");
            assert_eq!(line["audit.initiator.id"].as_str(), who, "{line}");
            assert_eq!(line["audit.initiator.host.address"], "127.0.0.1");
            let is_of_a_plan = path.starts_with("/v2/{project_id}");
            let kind = if is_of_a_plan { "plan" } else { "copy_job" };
            assert_eq!(line["audit.target.type"], kind);
            let id = path.contains("{job_id}").then_some(UNKNOWN);
            assert_eq!(line["audit.target.id"].as_str(), id, "{line}");
        }
    }
    assert_eq!(lines(&trail).len(), requests);
    let told = trail.lines().concat();
    assert!(!told.contains(SECRET), "{told}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_done_says_to_what() {
    let gateway =
        TestGateway::start_with(&[("GATEWAY__TRUSTED_FRONTS", r#"["127.0.0.0/8", "::1/128"]"#)])
            .await;
    let trail = Trail::begin(LogFormat::Json);
    let copy = gateway.copy("alice", &copy_request());
    let copy = copy.header("X-Forwarded-For", "192.0.2.1, 203.0.113.7");
    let copied = copy.send().await.expect("an answer");
    let line = line_of(&trail, &copied);
    let job = job_id(copied).await;
    let expected = json!({
        "audit.action": "copyImage",
        "audit.outcome": "success",
        "audit.reason.code": 202,
        "audit.initiator.id": "alice-id",
        "audit.initiator.project_id": SOURCE_TENANT,
        "audit.initiator.host.address": "203.0.113.7",
        "audit.target.type": "copy_job",
        "audit.target.id": job,
        "audit.target.image_id": IMAGE,
        "audit.target.destination_project_id": DESTINATION_TENANT,
        "audit.target.destination_region_id": "ot2",
        "target": "audit",
        "level": "INFO",
    });
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&line[key], value, "{key}: {line}");
    }
    let keys: BTreeSet<&str> = line
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let known = expected
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str);
    let known: BTreeSet<&str> = known
        .chain(["timestamp", "message", "audit.request.id", "span", "spans"])
        .collect();
    assert_eq!(keys, known);

    let path = format!("/v2/{SOURCE_TENANT}/jobs/{UNKNOWN}/event");
    let stop = gateway
        .request(Method::POST, &path, "alice")
        .header("Content-Type", "application/json")
        .body(r#"{"stop": null}"#);
    let told = stop.send().await.expect("an answer");
    let line = line_of(&trail, &told);
    assert_eq!(line["audit.action"], "signalPlan/stop");
    assert_eq!(line["audit.outcome"], "failure");
    assert_eq!(line["audit.target.project_id"], SOURCE_TENANT);

    // What cannot be read in a front's header says nothing.
    let canceled = gateway
        .request(Method::DELETE, &format!("{JOBS}/{job}"), "root")
        .header("X-Forwarded-For", "not an address")
        .send()
        .await
        .expect("an answer");
    let line = line_of(&trail, &canceled);
    assert_eq!(line["audit.action"], "cancelCopyJob");
    assert_eq!(line["audit.initiator.id"], "root-id");
    assert_eq!(line["audit.target.id"], job.as_str());
    assert_eq!(line["audit.initiator.host.address"], "127.0.0.1");
    gateway.stop().await;
}

#[tokio::test]
async fn what_no_operation_answers_is_on_record_as_well() {
    let limits = [
        ("GATEWAY__REQUESTS_PER_SECOND", "1"),
        ("GATEWAY__REQUEST_BURST", "2"),
    ];
    let gateway = TestGateway::start_with(&limits).await;
    let trail = Trail::begin(LogFormat::Json);
    for (method, path, status) in [
        (Method::POST, "/nothing".to_owned(), 404),
        (Method::PUT, JOBS.to_owned(), 405),
        (
            Method::DELETE,
            format!("/v2/{SOURCE_TENANT}/images/{IMAGE}"),
            405,
        ),
        (Method::PATCH, format!("{JOBS}/{SECRET}/{SECRET}"), 404),
    ] {
        let answer = gateway.request(method, &path, "alice").send().await;
        let line = line_of(&trail, &answer.expect("an answer"));
        assert_eq!(line["audit.action"], "unknown", "{path}");
        assert_eq!(line["audit.reason.code"], status, "{path}");
        assert!(!line.to_string().contains(SECRET), "{line}");
    }
    // An id that is none, at an operation that there is; most of these come too early.
    let path = format!("{JOBS}/no-id");
    let answers = join_all((0..20).map(|_| gateway.delete(&path, "alice"))).await;
    let mut codes = BTreeSet::new();
    for answer in &answers {
        let line = line_of(&trail, answer);
        assert_eq!(line["audit.action"], "cancelCopyJob");
        assert_eq!(line["audit.initiator.id"], "alice-id");
        assert_eq!(line["audit.target.id"], Value::Null);
        assert_eq!(line["audit.reason.code"], answer.status().as_u16());
        codes.insert(answer.status().as_u16());
    }
    assert_eq!(codes, BTreeSet::from([404, 429]));
    gateway.stop().await;
}

#[tokio::test]
async fn who_only_looks_is_not_on_record() {
    let gateway = TestGateway::start().await;
    let trail = Trail::begin(LogFormat::Json);
    for (_, method, path) in operations(&["GET", "HEAD"]) {
        let request = gateway.request(method, &at_unknown(&path), "alice");
        // A stream is left as soon as it has begun.
        request.send().await.expect("an answer");
    }
    assert_eq!(trail.lines(), [""; 0]);
    gateway.stop().await;
}

#[tokio::test]
async fn what_nobody_waited_for_is_said_to_be_unknown() {
    let gateway = TestGateway::start().await;
    gateway
        .scheduler
        .table
        .edit(|table| table.trouble = Trouble::Hangs);
    let trail = Trail::begin(LogFormat::Json);
    let copy = gateway.copy("alice", &copy_request());
    let impatient = copy.timeout(Duration::from_secs(1)).send().await;
    assert!(impatient.is_err_and(|error| error.is_timeout()));
    until("the request is on record", || !trail.lines().is_empty()).await;
    let lines = lines(&trail);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert_eq!(lines[0]["audit.outcome"], "unknown");
    assert_eq!(lines[0]["audit.reason.code"], 499);
    // The job that may exist.
    let job = gateway
        .scheduler
        .table
        .edit(|table| table.jobs[0].job_id.clone());
    assert_eq!(lines[0]["audit.target.id"], job.as_str());
    gateway.stop().await;
}
