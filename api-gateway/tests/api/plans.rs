//! Plans, as clients of the backup API ask for them.

mod changing;
mod creating;
mod listing;
mod refusals;
mod signals;

use http::Method;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::cloud::{DESTINATION_TENANT, IMAGE, SOURCE_TENANT};
use crate::gateway::{TestGateway, body, json_refusal};

/// The plans of alice's project.
fn plans() -> String {
    format!("/v2/{SOURCE_TENANT}/jobs/")
}

fn path_of(plan: &str) -> String {
    format!("{}{plan}", plans())
}

/// An action that copies by name.
fn action(name: &str) -> Value {
    json!({"freezer_action": {
        "action": "backup", "mode": "glance-image", "image_name": name,
        "tenant_id_dst": DESTINATION_TENANT, "recovery_points_rotation": 7,
    }})
}

/// An action that copies the image that is there.
fn action_by_id() -> Value {
    let mut action = action("");
    let what = action["freezer_action"].as_object_mut().expect("an object");
    what.remove("image_name");
    what.insert("image_id".to_owned(), json!(IMAGE));
    action
}

/// What alice writes unless a test writes something else.
fn plan() -> Value {
    json!({
        "name": "nightly", "client_id": "p_host",
        "job_schedule": {"schedule_hour": "3"}, "job_actions": [action_by_id()],
    })
}

impl TestGateway {
    fn send_plan(&self, method: Method, path: &str, user: &str, plan: &Value) -> RequestBuilder {
        self.request(method, path, user)
            .header("Content-Type", "application/json")
            .body(plan.to_string())
    }

    async fn answer(&self, method: Method, path: &str, user: &str, plan: &Value) -> Response {
        let request = self.send_plan(method, path, user, plan);
        request.send().await.expect("an answer")
    }

    /// The id of a plan of alice's.
    async fn accepted_plan(&self, plan: &Value) -> String {
        let response = self.answer(Method::POST, &plans(), "alice", plan).await;
        let answer = document(201, response).await;
        answer["job_id"].as_str().expect("a job_id").to_owned()
    }

    async fn shown(&self, plan: &str) -> Value {
        document(200, self.get(&path_of(plan), "alice").await).await
    }

    /// Status and description of a refusal.
    async fn refused(&self, method: Method, path: &str, user: &str, plan: &Value) -> (u16, String) {
        described(self.answer(method, path, user, plan).await).await
    }
}

/// The document of an answer that went well.
async fn document(status: u16, response: Response) -> Value {
    let got = response.status();
    let media_type = response.headers().get("content-type").cloned();
    let text = body(response).await;
    assert_eq!(got, status, "{text}");
    assert_eq!(
        media_type.expect("a type"),
        "application/json; charset=UTF-8"
    );
    text.parse().expect("JSON")
}

/// Status and description of a refusal in the backup API's style.
async fn described(response: Response) -> (u16, String) {
    let (status, document) = json_refusal(response).await;
    assert!(document["title"].is_string(), "{document}");
    assert_eq!(document.as_object().map(serde_json::Map::len), Some(2));
    let description = document["description"].as_str().expect("a text");
    (status, description.to_owned())
}
