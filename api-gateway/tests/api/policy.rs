//! Which roles may do what, as the configuration says.

use http::Method;
use proto::v1::JobStatus;
use serde_json::{Value, json};

use crate::cloud::{DESTINATION_TENANT, IMAGE, SOURCE_TENANT};
use crate::gateway::{JOBS, TestGateway, copy_request};
use crate::jobs::{job_id, own_job};

/// The project of those who look after others'.
const OFFICE: &str = "0ff1ce00000000000000000000000000";

fn plans() -> String {
    format!("/v2/{SOURCE_TENANT}/jobs")
}

/// A plan that copies the image that is there.
fn plan() -> Value {
    json!({"name": "nightly", "job_schedule": {"schedule_hour": "3"}, "job_actions": [{"freezer_action": {
        "action": "backup", "mode": "glance-image", "image_id": IMAGE, "tenant_id_dst": DESTINATION_TENANT,
    }}]})
}

impl TestGateway {
    async fn status(&self, method: Method, path: &str, user: &str, body: Option<Value>) -> u16 {
        let mut request = self.request(method, path, user);
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_string());
        }
        request.send().await.expect("an answer").status().as_u16()
    }

    /// A user with these roles, who may receive copies at the destination.
    fn hire(&self, user: &str, project: &str, roles: &[&str]) {
        self.cloud.add_token(user, Some(project), roles);
        let there = (user.to_owned(), DESTINATION_TENANT.to_owned());
        let member = vec!["member".to_owned()];
        self.cloud.edit(|cloud| cloud.roles.insert(there, member));
    }
}

#[tokio::test]
async fn who_sees_all_changes_nothing_that_is_not_its_own() {
    let gateway = TestGateway::start_with(&[("POLICY__SEE_ALL_ROLES", r#"["Auditor"]"#)]).await;
    gateway.hire("audrey", OFFICE, &["auditor"]);
    gateway
        .scheduler
        .table
        .edit(|table| table.jobs = vec![own_job(1, JobStatus::ReplicateRequested)]);
    let written = gateway
        .status(Method::POST, &plans(), "alice", Some(plan()))
        .await;
    assert_eq!(written, 201);
    let plan_id = gateway
        .scheduler
        .table
        .edit(|table| table.plans.plans[0].plan_id.clone());
    let (job, one_plan) = (
        format!("{JOBS}/{}", job_id(1)),
        format!("{}/{plan_id}", plans()),
    );
    let (all_jobs, all_plans) = (
        format!("{JOBS}?all_tenants=true"),
        format!("{}?all_projects=true", plans()),
    );
    let start = Some(json!({"start": null}));
    for (method, path, body, expected) in [
        (Method::GET, &job, None, 200),
        (Method::GET, &all_jobs, None, 200),
        (Method::GET, &one_plan, None, 200),
        (Method::GET, &all_plans, None, 200),
        (Method::DELETE, &job, None, 403),
        (Method::POST, &JOBS.to_owned(), Some(copy_request()), 404),
        (Method::POST, &plans(), Some(plan()), 403),
        (Method::PATCH, &one_plan, Some(json!({"name": "mine"})), 403),
        (Method::POST, &format!("{one_plan}/event"), start, 403),
        (Method::DELETE, &one_plan, None, 403),
    ] {
        let status = gateway.status(method.clone(), path, "audrey", body).await;
        assert_eq!(status, expected, "{method} {path}");
    }
    // With a role that changes what is its own, others' jobs and plans are not there to be changed.
    gateway.hire("bob", OFFICE, &["auditor", "member"]);
    let mine = plans().replace(SOURCE_TENANT, OFFICE);
    let theirs = format!("{mine}/{plan_id}");
    for (method, path, body, expected) in [
        (Method::GET, &job, None, 200),
        (Method::DELETE, &job, None, 404),
        (Method::GET, &theirs, None, 200),
        (Method::PATCH, &theirs, Some(json!({"name": "mine"})), 404),
        (Method::PATCH, &one_plan, Some(json!({"name": "mine"})), 403),
    ] {
        let status = gateway.status(method.clone(), path, "bob", body).await;
        assert_eq!(status, expected, "{method} {path}");
    }
    let table = gateway.scheduler.table.edit(|table| {
        let job = table.jobs[0].status();
        (job, table.plans.updates.len(), table.plans.signals.len())
    });
    assert_eq!(table, (JobStatus::ReplicateRequested, 0, 0));
    gateway.stop().await;
}

#[tokio::test]
async fn plans_are_written_by_who_may_plan_and_copy() {
    let gateway = TestGateway::start_with(&[("POLICY__PLAN_ROLES", r#"["planner"]"#)]).await;
    gateway.hire("pete", SOURCE_TENANT, &["member", "planner"]);
    gateway.hire("paul", SOURCE_TENANT, &["planner"]);
    // A member copies and writes no plan; a planner who may not copy writes none either.
    let copied = gateway
        .status(Method::POST, JOBS, "alice", Some(copy_request()))
        .await;
    assert_eq!(copied, 202);
    for (user, expected) in [("alice", 403), ("paul", 403), ("pete", 201), ("root", 201)] {
        let path = plans();
        let status = gateway
            .status(Method::POST, &path, user, Some(plan()))
            .await;
        assert_eq!(status, expected, "{user}");
    }
    // Who does not plan still sees.
    assert_eq!(gateway.get(&plans(), "alice").await.status(), 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_role_of_another_name_does_what_the_policy_says() {
    let policy = [
        ("POLICY__READ_ROLES", r#"["viewer"]"#),
        ("POLICY__COPY_ROLES", r#"["mover"]"#),
        ("POLICY__ADMIN_ROLES", "[]"),
    ];
    let gateway = TestGateway::start_with(&policy).await;
    gateway.hire("vera", SOURCE_TENANT, &["viewer"]);
    gateway.hire("moe", SOURCE_TENANT, &["mover"]);
    let all = format!("{JOBS}?all_tenants=true");
    for (user, method, path, expected) in [
        ("vera", Method::GET, JOBS, 200),
        ("vera", Method::POST, JOBS, 404),
        ("moe", Method::GET, JOBS, 403),
        ("moe", Method::POST, JOBS, 202),
        ("alice", Method::GET, JOBS, 403),
        ("alice", Method::POST, JOBS, 404),
        ("root", Method::GET, JOBS, 403),
        ("root", Method::GET, all.as_str(), 403),
    ] {
        let body = (method == Method::POST).then(copy_request);
        let status = gateway.status(method.clone(), path, user, body).await;
        assert_eq!(status, expected, "{user} {method} {path}");
    }
    gateway.stop().await;
}
