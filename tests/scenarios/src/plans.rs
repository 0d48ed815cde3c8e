//! Plans, called as a client of the backup API would call them.

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::{Cloud, eventually};

use crate::Answer;

/// How long a run may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(180);

/// A caller of the plans of a project.
#[derive(Clone)]
pub struct Plans<'a> {
    cloud: &'a Cloud,
    project: String,
}

impl<'a> Plans<'a> {
    /// The plans of the project of `cloud`, in its region.
    #[must_use]
    pub fn of(cloud: &'a Cloud) -> Self {
        Self::of_project(cloud, &cloud.project_id)
    }

    /// The plans of a project, whether or not the caller's token is for it.
    #[must_use]
    pub fn of_project(cloud: &'a Cloud, project: &str) -> Self {
        Self {
            cloud,
            project: project.to_owned(),
        }
    }

    /// Sends a request and reads its answer, which must carry a request id; `path` follows `…/jobs`.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let path = format!("/v2/{}/jobs{path}", self.project);
        let request = self.cloud.gateway(method, &path);
        let request = match body {
            Value::Null => request.header("content-type", "application/json"),
            body => request.json(body),
        };
        let answer = Answer::read(request.send().await?).await?;
        answer.expect_request_id()?;
        Ok(answer)
    }

    /// Creates a plan that must be accepted; gives its id.
    ///
    /// # Errors
    /// When the answer is not the documented 201.
    pub async fn create(&self, plan: &Value) -> anyhow::Result<String> {
        let answer = self.send(Method::POST, "/", plan).await?.json(201)?;
        let id = answer["job_id"].as_str().context("no job_id")?;
        Ok(id.to_owned())
    }

    /// A plan that must be there.
    ///
    /// # Errors
    /// When the answer is not a 200 with a document.
    pub async fn show(&self, plan: &str) -> anyhow::Result<Value> {
        let path = format!("/{plan}");
        self.send(Method::GET, &path, &Value::Null).await?.json(200)
    }

    /// Changes a plan; the answer must have a version.
    ///
    /// # Errors
    /// When the answer is not the documented 200.
    pub async fn change(&self, plan: &str, change: &Value) -> anyhow::Result<()> {
        let path = format!("/{plan}");
        let answer = self.send(Method::PATCH, &path, change).await?.json(200)?;
        ensure!(answer["version"].is_u64(), "no version: {answer}");
        Ok(())
    }

    /// Tells a plan something; gives the result.
    ///
    /// # Errors
    /// When the answer is not the documented 202.
    pub async fn tell(&self, plan: &str, event: &str) -> anyhow::Result<String> {
        let path = format!("/{plan}/event");
        let event = json!({event: null});
        let answer = self.send(Method::POST, &path, &event).await?.json(202)?;
        let result = answer["result"].as_str().context("no result")?;
        Ok(result.to_owned())
    }

    /// Waits until a plan is as `reached` says.
    ///
    /// # Errors
    /// The last document, when it took too long.
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

    /// Waits for the end of a run that began after the one of `before`, the document of then.
    ///
    /// # Errors
    /// As [`Plans::until`].
    pub async fn until_run_again(&self, plan: &str, before: &Value) -> anyhow::Result<Value> {
        let earlier = before["last_run"]["scheduled_for"].as_str();
        self.until(plan, "run again", |document| {
            let run = &document["last_run"];
            run["result"].is_string() && run["scheduled_for"].as_str() != earlier
        })
        .await
    }
}
