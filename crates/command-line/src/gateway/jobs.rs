//! Copy jobs: ask for, list, show, cancel, watch.

use domain::{ImageId, JobStatus, TenantId};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::{Events, Gateway, Request, below};
use crate::failure::{Exit, Failure};

/// The keys of a job's document that are columns, in their order.
pub(crate) const JOB_COLUMNS: [&str; 19] = [
    "job_id",
    "status",
    "copy_progress",
    "source_image_id",
    "source_image_name",
    "source_region_id",
    "source_tenant_id",
    "destination_region_id",
    "destination_tenant_id",
    "destination_image_id",
    "error",
    "bytes_copied",
    "bytes_total",
    "attempt",
    "created_at",
    "started_at",
    "updated_at",
    "finished_at",
    "plan_id",
];

/// What is followed of a job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct JobState {
    pub(crate) job_id: String,
    pub(crate) source_image_name: String,
    pub(crate) source_image_id: String,
    pub(crate) status: String,
    pub(crate) copy_progress: u64,
    #[serde(default)]
    pub(crate) bytes_copied: u64,
    #[serde(default)]
    pub(crate) bytes_total: u64,
    #[serde(default)]
    pub(crate) error: Option<JobError>,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct JobError {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl JobState {
    pub(crate) fn is_final(&self) -> bool {
        // A status that a newer service has is not final: whoever waits goes on.
        self.status
            .parse::<JobStatus>()
            .is_ok_and(JobStatus::is_final)
    }

    /// How the copy ended, as an exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self.status.as_str() {
            "error" => Exit::CopyFailed,
            "canceled" => Exit::Canceled,
            _ => Exit::Done,
        }
    }

    /// The image's name, or its id when it has none.
    pub(crate) fn title(&self) -> &str {
        if self.source_image_name.is_empty() {
            &self.source_image_id
        } else {
            &self.source_image_name
        }
    }
}

impl Gateway {
    /// Asks for a copy; gives the job's id. The key makes sure that a request that is repeated makes one copy.
    pub(crate) async fn copy(
        &self,
        image: ImageId,
        to: &TenantId,
        to_region: Option<&str>,
        reuse: bool,
    ) -> Result<String, Failure> {
        let mut body = json!({"image_id": image, "tenant_id_dst": to});
        if let Some(region) = to_region {
            body["region_id_dst"] = region.into();
        }
        if reuse {
            body["if_identical"] = "reuse".into();
        }
        let request = Request::new(Method::POST, self.jobs(&[])?)
            .body(&body)
            .header("idempotency-key", Uuid::new_v4().to_string());
        let answer = self.call_json(request).await?;
        let id = answer["job_id"].as_str().map(str::to_owned);
        id.ok_or_else(|| Failure::new(Exit::Failed, "the service's answer names no job"))
    }

    pub(crate) async fn jobs_that(&self, query: &[(&str, String)]) -> Result<Vec<Value>, Failure> {
        let mut url = self.jobs(&[])?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        match self.call_json(Request::new(Method::GET, url)).await? {
            Value::Array(jobs) => Ok(jobs),
            _ => Err(Failure::new(
                Exit::Failed,
                "the service's answer is no list",
            )),
        }
    }

    pub(crate) async fn job(&self, id: &str) -> Result<Value, Failure> {
        self.call_json(Request::new(Method::GET, self.jobs(&[id])?))
            .await
    }

    pub(crate) async fn cancel(&self, id: &str) -> Result<(), Failure> {
        let request = Request::new(Method::DELETE, self.jobs(&[id])?);
        self.call(request).await.map(drop)
    }

    /// The events of a job: its document now and at every change.
    pub(crate) async fn events(&self, id: &str) -> Result<Events, Failure> {
        let request = Request::new(Method::GET, self.jobs(&[id, "events"])?)
            .header("accept", "text/event-stream");
        let answer = self.send(&request, None).await?;
        if answer.status().is_success() {
            Ok(Events::of(answer))
        } else {
            Err(super::refusal::of(answer).await)
        }
    }

    fn jobs(&self, rest: &[&str]) -> Result<Url, Failure> {
        let base = self.base("image")?;
        let mut segments = vec!["v2", "extension", "image_replicator", "jobs"];
        segments.extend(rest);
        below(&unversioned(base), &segments)
    }
}

/// Catalogs have the image endpoint with its version and without.
fn unversioned(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(path.strip_suffix("/v2").unwrap_or(&path));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_from_a_document_and_says_how_it_ends() {
        let mut document = json!({"job_id": "j", "source_image_name": "", "source_image_id": "i",
            "status": "error", "copy_progress": 3, "later": true,
            "error": {"code": "internal", "message": "m"}});
        let failed: JobState = serde_json::from_value(document.clone()).expect("a job");
        assert!(failed.is_final() && failed.exit() == Exit::CopyFailed && failed.title() == "i");
        document["status"] = "paused_by_a_newer_service".into();
        let newer: JobState = serde_json::from_value(document).expect("a job");
        assert!(!newer.is_final());
    }
}
