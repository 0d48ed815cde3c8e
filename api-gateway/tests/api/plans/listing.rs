//! Lists of plans: pages, filters, projects.

use http::Method;
use serde_json::{Value, json};

use super::{described, document, plan, plans};
use crate::cloud::SOURCE_TENANT;
use crate::gateway::TestGateway;

/// Plans that are named by their number.
async fn with_plans(count: usize) -> TestGateway {
    let gateway = TestGateway::start_with(&[("GATEWAY__REQUEST_BURST", "1000")]).await;
    for number in 0..count {
        let mut plan = plan();
        plan["name"] = json!(format!("plan {number}"));
        plan["client_id"] = json!(if number % 2 == 0 { "even" } else { "odd" });
        gateway.accepted_plan(&plan).await;
    }
    gateway
}

async fn names(
    gateway: &TestGateway,
    user: &str,
    query: &str,
    search: Option<&Value>,
) -> Vec<String> {
    let mut request = gateway.request(Method::GET, &format!("{}{query}", plans()), user);
    if let Some(search) = search {
        request = request.body(search.to_string());
    }
    let list = document(200, request.send().await.expect("an answer")).await;
    let jobs = list["jobs"].as_array().expect("a list");
    jobs.iter()
        .map(|job| job["name"].as_str().expect("a name").replace("plan ", ""))
        .collect()
}

#[tokio::test]
async fn pages_are_newest_first_and_of_ten_unless_asked_otherwise() {
    let gateway = with_plans(12).await;
    let of = async |query| names(&gateway, "alice", query, None).await;
    assert_eq!(
        of("").await,
        ["11", "10", "9", "8", "7", "6", "5", "4", "3", "2"]
    );
    assert_eq!(
        of("?limit=2&offset=1&all_projects=False").await,
        ["10", "9"]
    );
    assert_eq!(of("?limit=100&offset=10&sort=up").await, ["1", "0"]);
    assert!(of("?offset=12").await.is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_reaches_beyond_what_the_scheduler_gives_at_once() {
    let gateway = with_plans(120).await;
    let far = names(&gateway, "alice", "?limit=3&offset=98", None).await;
    assert_eq!(far, ["21", "20", "19"]);
    let all = names(&gateway, "alice", "?limit=1000", None).await;
    assert_eq!(all.len(), 120);
    let search = json!({"match": [{"client_id": "even"}]});
    let even = names(&gateway, "alice", "?limit=2&offset=50", Some(&search)).await;
    assert_eq!(even, ["18", "16"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_filters_what_is_listed() {
    let gateway = with_plans(4).await;
    for (search, expected) in [
        (json!({"match": [{"client_id": "odd"}]}), &["3", "1"][..]),
        (json!({"match_not": [{"client_id": "odd"}]}), &["2", "0"]),
        (json!({"match": [{"_all": "plan 3"}]}), &["3"]),
        (
            json!({"match": [{"_all": "even"}, {"status": "scheduled"}]}),
            &["2", "0"],
        ),
        (
            json!({"match": [{"_all": "[{\"client_id\": \"even\"}]"}]}),
            &["2", "0"],
        ),
        (json!({"match": [{"_all": "nobody"}]}), &[]),
        (json!({}), &["3", "2", "1", "0"]),
    ] {
        let found = names(&gateway, "alice", "", Some(&search)).await;
        assert_eq!(found, expected, "{search}");
    }
    let path = plans();
    let wrong = gateway.request(Method::GET, &path, "alice").body("{");
    let (status, text) = described(wrong.send().await.expect("an answer")).await;
    assert_eq!((status, text.contains("not JSON")), (400, true), "{text}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_project_sees_its_own_and_an_administrator_all() {
    let gateway = with_plans(2).await;
    assert_eq!(names(&gateway, "rita", "", None).await.len(), 2);
    assert_eq!(names(&gateway, "root", "", None).await.len(), 2);
    let list = |path: &'static str, user: &'static str| {
        let gateway = &gateway;
        async move { gateway.get(path, user).await }
    };
    let bobs = "/v2/0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b/jobs";
    assert_eq!(
        document(200, list(bobs, "bob").await).await,
        json!({"jobs": []})
    );
    let roots = "/v2/ad0000000000000000000000000000ad/jobs";
    assert_eq!(
        document(200, list(roots, "root").await).await,
        json!({"jobs": []})
    );
    let all = "/v2/ad0000000000000000000000000000ad/jobs?all_projects=True";
    let jobs = document(200, list(all, "root").await).await;
    assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(2));
    let mine = gateway
        .get(&format!("{}?all_projects=true", plans()), "alice")
        .await;
    let (status, text) = described(mine).await;
    assert_eq!(
        (status, text.contains("all_projects")),
        (403, true),
        "{text}"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_listed_plan_is_a_whole_document() {
    let gateway = with_plans(1).await;
    let list = document(200, gateway.get(&plans(), "alice").await).await;
    let listed = &list["jobs"][0];
    let shown = gateway
        .shown(listed["job_id"].as_str().expect("an id"))
        .await;
    for (key, value) in shown.as_object().expect("an object") {
        match key.as_str() {
            "recovery_points" => assert_eq!(listed.get(key), None),
            _ => assert_eq!(listed.get(key), Some(value), "{key}"),
        }
    }
    assert_eq!(listed["project_id"], SOURCE_TENANT);
    gateway.stop().await;
}
