//! An HTTP answer, read whole, as a caller sees it.

use std::fmt;

use anyhow::{Context, ensure};
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// Status, headers and body of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// Reads an answer to its end.
    ///
    /// # Errors
    /// When the connection breaks first.
    pub async fn read(response: Response) -> anyhow::Result<Self> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        Ok(Self {
            status,
            headers,
            body: response.text().await?,
        })
    }

    /// A header's value; empty when there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON, of an answer with this status.
    ///
    /// # Errors
    /// When the status is another or the body is no JSON; the error shows both.
    pub fn json(&self, status: u16) -> anyhow::Result<Value> {
        ensure!(self.status == status, "{status} expected, not {self}");
        serde_json::from_str(&self.body).with_context(|| format!("no JSON: {self}"))
    }

    /// The id of the job in the answer to an accepted copy.
    ///
    /// # Errors
    /// When the answer is not the documented 202; the error shows what came.
    pub fn accepted_job(&self) -> anyhow::Result<String> {
        let body = self.json(202)?;
        let keys = body.as_object().map(serde_json::Map::len);
        ensure!(keys == Some(1), "one key expected: {self}");
        let job = body["job_id"].as_str().context("no job_id")?;
        Ok(job.to_owned())
    }

    /// Checks the answer to an accepted cancel: 204, nothing else, and above all no `Content-Type`,
    /// at which a known client crashes.
    ///
    /// # Errors
    /// When anything differs; the error shows what came.
    pub fn expect_no_content(&self) -> anyhow::Result<()> {
        ensure!(
            self.status == 204 && self.body.is_empty(),
            "an empty 204 expected, not {self}"
        );
        ensure!(
            !self.headers.contains_key("content-type"),
            "a 204 with a Content-Type: {self}"
        );
        self.expect_request_id()
    }

    /// Checks an error answer of the image copy API to the byte: status line, media type and text.
    ///
    /// # Errors
    /// When anything differs; the error shows what came.
    pub fn expect_fault(&self, status: u16, reason: &str, message: &str) -> anyhow::Result<()> {
        let body = format!("{status} {reason}\n\n{message}\n\n");
        ensure!(
            self.status == status && self.body == body,
            "{body:?} expected, not {self}"
        );
        self.expect_fault_headers()
    }

    /// Checks an error answer whose text is free, but must hold each of `parts`.
    ///
    /// # Errors
    /// When anything differs; the error shows what came.
    pub fn expect_fault_naming(
        &self,
        status: u16,
        reason: &str,
        parts: &[&str],
    ) -> anyhow::Result<()> {
        let framed = self.body.starts_with(&format!("{status} {reason}\n\n"))
            && self.body.ends_with("\n\n")
            && parts.iter().all(|part| self.body.contains(part));
        ensure!(
            self.status == status && framed,
            "{status} naming {parts:?} expected, not {self}"
        );
        self.expect_fault_headers()
    }

    /// Checks an error answer of the plans: JSON of a title and a description, which holds each of `parts`.
    ///
    /// # Errors
    /// When anything differs; the error shows what came.
    pub fn expect_plan_fault(&self, status: u16, parts: &[&str]) -> anyhow::Result<()> {
        let body = self.json(status)?;
        let keys: Vec<&String> = body
            .as_object()
            .into_iter()
            .flat_map(|it| it.keys())
            .collect();
        let told = body["description"].as_str().unwrap_or_default();
        ensure!(
            keys == ["description", "title"] && body["title"].is_string(),
            "a title and a description expected, not {self}"
        );
        ensure!(
            parts.iter().all(|part| told.contains(part)),
            "{parts:?} expected in {self}"
        );
        self.expect_request_id()
    }

    fn expect_fault_headers(&self) -> anyhow::Result<()> {
        for (name, value) in [
            ("content-type", "text/plain; charset=UTF-8"),
            ("vary", "X-Auth-Token"),
        ] {
            ensure!(
                self.header(name) == value,
                "{name} must be `{value}`: {self}"
            );
        }
        let length = self.body.len().to_string();
        ensure!(
            self.header("content-length") == length,
            "content-length must be {length}: {self}"
        );
        if self.status == 401 {
            let challenge = self.header("www-authenticate");
            ensure!(
                challenge.starts_with("Keystone uri=\""),
                "no challenge: {self}"
            );
        }
        self.expect_request_id()
    }

    /// Checks that the answer carries a request id.
    ///
    /// # Errors
    /// When it does not.
    pub fn expect_request_id(&self) -> anyhow::Result<()> {
        let id = self.header("x-openstack-request-id");
        let uuid = id
            .strip_prefix("req-")
            .and_then(|text| uuid::Uuid::try_parse(text).ok());
        ensure!(uuid.is_some(), "`{id}` is no request id: {self}");
        Ok(())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.status, self.headers, self.body)
    }
}
