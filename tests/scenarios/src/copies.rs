//! The image copy API, called as a tenant's script would call it.

use std::time::Duration;

use anyhow::ensure;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testbed::{Cloud, eventually};

use crate::{Answer, EventStream, Witness};

/// Where the API is, below a region's front.
pub const JOBS: &str = "/v2/extension/image_replicator/jobs";

/// How long a copy may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(180);

/// A caller of the image copy API of one region.
#[derive(Clone)]
pub struct Copies<'a> {
    cloud: &'a Cloud,
}

impl<'a> Copies<'a> {
    /// The API of the region that `cloud` is a user of.
    #[must_use]
    pub fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// A request to the API; `path` follows `…/jobs`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.cloud.front(method, &format!("{JOBS}{path}"))
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

    /// `POST …/jobs` with any JSON.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn post(&self, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::POST, "").json(body)).await
    }

    /// `POST …/jobs` of an image for a tenant, whatever comes of it.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn ask(&self, image: &str, tenant: &str) -> anyhow::Result<Answer> {
        self.post(&json!({"image_id": image, "tenant_id_dst": tenant}))
            .await
    }

    /// Asks for a copy that must be accepted; gives the job's id.
    ///
    /// # Errors
    /// When the answer is not the documented 202.
    pub async fn start(&self, image: &str, tenant: &str) -> anyhow::Result<String> {
        self.ask(image, tenant).await?.accepted_job()
    }

    /// `GET …/jobs/{job}`.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get(&self, job: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::GET, &format!("/{job}")))
            .await
    }

    /// A job that must be there.
    ///
    /// # Errors
    /// When the answer is not a 200 with a document.
    pub async fn show(&self, job: &str) -> anyhow::Result<Value> {
        self.get(job).await?.json(200)
    }

    /// `DELETE …/jobs/{job}`.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn cancel(&self, job: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::DELETE, &format!("/{job}")))
            .await
    }

    /// `GET …/jobs` with a query string, which may be empty.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn list(&self, query: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::GET, query)).await
    }

    /// The events of one job (`/{job}/events`) or of all (`/events`).
    ///
    /// # Errors
    /// When the answer is not an event stream.
    pub async fn events(&self, path: &str) -> anyhow::Result<EventStream> {
        EventStream::open(self.request(Method::GET, path)).await
    }

    /// Watches a job until `reached`; fails when it ends otherwise or anything in it goes back.
    ///
    /// # Errors
    /// What was seen that may not be, or that it took too long.
    pub async fn until(
        &self,
        job: &str,
        what: &str,
        reached: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let witness = Witness::default();
        let last = eventually(PATIENCE, format!("job {job} {what}"), || async {
            let document = self.show(job).await?;
            if let Err(error) = witness.see(&document) {
                return Ok(Err(error));
            }
            let over = is_final(&document);
            if reached(&document) {
                return Ok(Ok(document));
            }
            if over {
                return Ok(Err(anyhow::anyhow!(
                    "job {job} ended before it was {what}: {document}"
                )));
            }
            Err(anyhow::anyhow!("{document}"))
        });
        last.await?
    }

    /// Watches a job until it has a final status, whichever.
    ///
    /// # Errors
    /// As [`Copies::until`].
    pub async fn until_final(&self, job: &str) -> anyhow::Result<Value> {
        self.until(job, "final", is_final).await
    }

    /// Watches a job until bytes have moved.
    ///
    /// # Errors
    /// As [`Copies::until`].
    pub async fn until_copying(&self, job: &str) -> anyhow::Result<Value> {
        self.until(job, "copying", |document| {
            document["bytes_copied"].as_u64() > Some(0)
        })
        .await
    }

    /// Watches a job until it is `replicated`.
    ///
    /// # Errors
    /// As [`Copies::until`], or another final status.
    pub async fn until_replicated(&self, job: &str) -> anyhow::Result<Value> {
        let document = self.until_final(job).await?;
        ensure!(
            document["status"] == "replicated",
            "not replicated: {document}"
        );
        Ok(document)
    }
}

/// Whether a job document's status never changes again.
#[must_use]
pub fn is_final(document: &Value) -> bool {
    ["replicated", "canceled", "error"]
        .iter()
        .any(|status| document["status"] == *status)
}
