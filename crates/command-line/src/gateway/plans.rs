//! Plans: make, list, show, change, start, stop, delete.

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::{Gateway, Request, below};
use crate::failure::{Exit, Failure};

/// The keys of a plan's document that are columns, in their order.
pub(crate) const PLAN_COLUMNS: [&str; 13] = [
    "job_id",
    "name",
    "description",
    "status",
    "job_schedule",
    "job_actions",
    "created_at",
    "updated_at",
    "started_at",
    "ended_at",
    "next_fire_at",
    "last_run",
    "recovery_points",
];

/// So many plans a request.
const PAGE: usize = 100;

impl Gateway {
    /// Makes a plan; gives its id.
    pub(crate) async fn create_plan(&self, document: &Value) -> Result<String, Failure> {
        // A plan has no key that would let this be repeated safely: an answer that is lost is a failure that is told.
        let request = Request::new(Method::POST, self.plans(&[])?)
            .body(document)
            .once();
        let answer = self.call_json(request).await?;
        let id = answer["job_id"].as_str().map(str::to_owned);
        id.ok_or_else(|| Failure::new(Exit::Failed, "the service's answer names no plan"))
    }

    /// All plans of the project.
    pub(crate) async fn all_plans(&self) -> Result<Vec<Value>, Failure> {
        let mut plans = Vec::new();
        loop {
            let mut url = self.plans(&[])?;
            url.query_pairs_mut()
                .append_pair("limit", &PAGE.to_string())
                .append_pair("offset", &plans.len().to_string());
            let mut answer = self.call_json(Request::new(Method::GET, url)).await?;
            let Value::Array(page) = answer["jobs"].take() else {
                return Err(Failure::new(
                    Exit::Failed,
                    "the service's answer lists no plans",
                ));
            };
            let is_last = page.len() < PAGE;
            plans.extend(page);
            if is_last {
                return Ok(plans);
            }
        }
    }

    pub(crate) async fn plan(&self, id: &str) -> Result<Value, Failure> {
        self.call_json(Request::new(Method::GET, self.plans(&[id])?))
            .await
    }

    pub(crate) async fn change_plan(&self, id: &str, changes: &Value) -> Result<(), Failure> {
        let request = Request::new(Method::PATCH, self.plans(&[id])?).body(changes);
        self.call(request).await.map(drop)
    }

    /// `start`, `stop` or `abort`.
    pub(crate) async fn send_event(&self, id: &str, event: &str) -> Result<(), Failure> {
        let body = json!({event: null});
        let request = Request::new(Method::POST, self.plans(&[id, "event"])?)
            .body(&body)
            .once();
        self.call(request).await.map(drop)
    }

    pub(crate) async fn delete_plan(&self, id: &str) -> Result<(), Failure> {
        let request = Request::new(Method::DELETE, self.plans(&[id])?);
        self.call(request).await.map(drop)
    }

    fn plans(&self, rest: &[&str]) -> Result<Url, Failure> {
        let project = self.session().project()?;
        let mut segments = vec!["v2", project.as_str(), "jobs"];
        segments.extend(rest);
        below(&self.base("backup")?, &segments)
    }
}
