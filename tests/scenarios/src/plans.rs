//! Plans, as a tenant's script would write and watch them.

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testbed::{Cloud, eventually};

use crate::Answer;

/// How long a run may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(180);

/// What every plan shows; those that may be null stand in [`MAY_BE_NULL`].
const DOCUMENTED: [&str; 17] = [
    "created_at",
    "updated_at",
    "job_id",
    "job_id_hash",
    "project_id",
    "user_id",
    "job_schedule",
    "client_id",
    "session_id",
    "session_tag",
    "name",
    "description",
    "job_actions",
    "status",
    "disabled",
    "started_at",
    "ended_at",
];
const MAY_BE_NULL: [&str; 2] = ["started_at", "ended_at"];

/// A caller of the plans of one project in one region.
#[derive(Clone)]
pub struct Plans<'a> {
    cloud: &'a Cloud,
    project: &'a str,
}

impl<'a> Plans<'a> {
    /// The plans of the project that `cloud` is a user of.
    #[must_use]
    pub fn of(cloud: &'a Cloud) -> Self {
        Self::in_project(cloud, &cloud.project_id)
    }

    /// The plans of any project, as `cloud` asks for them.
    #[must_use]
    pub fn in_project(cloud: &'a Cloud, project: &'a str) -> Self {
        Self { cloud, project }
    }

    /// A request; `path` follows `…/jobs`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = format!("/v2/{}/jobs{path}", self.project);
        self.cloud.gateway(method, &path)
    }

    /// Sends a request and reads its answer, which must carry a request id.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn send(&self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let answer = Answer::read(request.send().await?).await?;
        answer.expect_request_id()?;
        Ok(answer)
    }

    /// `POST …/jobs/`, whatever comes of it.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn ask(&self, plan: &Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::POST, "/").json(plan)).await
    }

    /// Makes a plan that must be accepted; gives its id.
    ///
    /// # Errors
    /// When the answer is not the documented 201.
    pub async fn create(&self, plan: &Value) -> anyhow::Result<String> {
        let answer = self.ask(plan).await?.json(201)?;
        let id = answer["job_id"].as_str().context("no job_id")?;
        let is_hex = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        ensure!(is_hex, "no 32 hex digits: {answer}");
        Ok(id.to_owned())
    }

    /// `GET …/jobs/{plan}`, whatever comes of it.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get(&self, plan: &str) -> anyhow::Result<Answer> {
        let path = format!("/{plan}");
        self.send(self.request(Method::GET, &path)).await
    }

    /// A plan that must be there and whole.
    ///
    /// # Errors
    /// When it is not, or lacks something documented.
    pub async fn show(&self, plan: &str) -> anyhow::Result<Value> {
        let document = self.get(plan).await?.json(200)?;
        for key in DOCUMENTED {
            let value = document.get(key);
            ensure!(
                value.is_some_and(|value| MAY_BE_NULL.contains(&key) || !value.is_null()),
                "{key} is missing or null: {document}"
            );
        }
        Ok(document)
    }

    /// `GET …/jobs/` with a query string, which may be empty; gives the plans.
    ///
    /// # Errors
    /// When the answer is not a 200 with a list.
    pub async fn list(&self, query: &str) -> anyhow::Result<Vec<Value>> {
        let answer = self.send(self.request(Method::GET, &format!("/{query}")));
        let mut answer = answer.await?.json(200)?;
        match answer["jobs"].take() {
            Value::Array(plans) => Ok(plans),
            other => anyhow::bail!("no list: {other}"),
        }
    }

    /// `PATCH …/jobs/{plan}`, whatever comes of it.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn patch(&self, plan: &str, change: &Value) -> anyhow::Result<Answer> {
        let path = format!("/{plan}");
        self.send(self.request(Method::PATCH, &path).json(change))
            .await
    }

    /// Tells a plan to `start`, `stop` or `abort`, whatever comes of it.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn event(&self, plan: &str, event: &str) -> anyhow::Result<Answer> {
        let path = format!("/{plan}/event");
        let request = self.request(Method::POST, &path);
        self.send(request.json(&json!({event: null}))).await
    }

    /// Tells a plan something; gives the `result`.
    ///
    /// # Errors
    /// When the answer is not the documented 202.
    pub async fn tell(&self, plan: &str, event: &str) -> anyhow::Result<String> {
        let answer = self.event(plan, event).await?.json(202)?;
        let result = answer["result"].as_str().context("no result")?;
        Ok(result.to_owned())
    }

    /// `DELETE …/jobs/{plan}`, whatever comes of it.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn delete(&self, plan: &str) -> anyhow::Result<Answer> {
        let path = format!("/{plan}");
        self.send(self.request(Method::DELETE, &path)).await
    }

    /// Watches a plan until `reached`.
    ///
    /// # Errors
    /// The plan as it was last, when that takes too long.
    pub async fn until(
        &self,
        plan: &str,
        what: &str,
        reached: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        eventually(PATIENCE, format!("plan {plan} {what}"), || async {
            let document = self.show(plan).await?;
            ensure!(reached(&document), "{document}");
            Ok(document)
        })
        .await
    }

    /// Watches a plan until the fire that was due at `moment` has come to its end, however.
    ///
    /// # Errors
    /// As [`Plans::until`].
    pub async fn until_over(&self, plan: &str, moment: &str) -> anyhow::Result<Value> {
        self.until(plan, &format!("done with {moment}"), |document| {
            let run = &document["last_run"];
            run["scheduled_for"] == moment && run["ended_at"].is_string()
        })
        .await
    }

    /// Watches a plan until a run has ended that began after the one of `before`, the plan as it was then.
    ///
    /// # Errors
    /// As [`Plans::until`].
    pub async fn until_run_again(&self, plan: &str, before: &Value) -> anyhow::Result<Value> {
        let earlier = &before["last_run"]["scheduled_for"];
        self.until(plan, "run again", |document| {
            let run = &document["last_run"];
            run["result"].is_string() && run["scheduled_for"] != *earlier
        })
        .await
    }

    /// Watches a plan until its run has ended with `result`.
    ///
    /// # Errors
    /// As [`Plans::until`].
    pub async fn until_result(&self, plan: &str, result: &str) -> anyhow::Result<Value> {
        self.until(plan, result, |document| {
            document["last_run"]["result"] == result
        })
        .await
    }
}

/// The strings of a list, for example a run's `job_ids` or `messages`.
#[must_use]
pub fn strings(list: &Value) -> Vec<String> {
    let values = list.as_array().into_iter().flatten();
    values
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}
