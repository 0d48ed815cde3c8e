//! A service's admin port, as an operator's tools see it.

use anyhow::Context;
use reqwest::StatusCode;
use serde_json::Value;
use testbed::{Part, TestBed};

/// A service's admin port.
#[derive(Debug, Clone)]
pub struct AdminPort(String);

impl AdminPort {
    /// The admin port of a service of the test bed, as its configuration has it.
    ///
    /// # Errors
    /// When the part was not started yet or is no service.
    pub fn of(bed: &TestBed, part: Part) -> anyhow::Result<Self> {
        let path = bed.directory().join(part.to_string()).join("config.toml");
        let config = std::fs::read_to_string(path)?;
        let line = config
            .lines()
            .find_map(|line| line.strip_prefix("admin_listen = "));
        let address = line.context("no admin_listen")?.trim_matches(['"', '\'']);
        Ok(Self(format!("http://{address}")))
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.trim_start_matches("http://")
    }

    /// Status, media type and text of a page.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get(&self, path: &str) -> anyhow::Result<(StatusCode, String, String)> {
        let url = format!("{}{path}", self.0);
        let answer = testbed::http_client()?.get(url).send().await?;
        let media_type = answer.headers().get("content-type");
        let media_type = media_type.and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().to_owned();
        Ok((answer.status(), media_type, answer.text().await?))
    }

    /// The value of a metric; its labels belong to its name. None when it is not there.
    ///
    /// # Errors
    /// When nobody answers, or the value is no number.
    pub async fn metric(&self, series: &str) -> anyhow::Result<Option<f64>> {
        let (_, _, page) = self.get("/metrics").await?;
        let mut lines = page.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        Ok(value.map(str::parse).transpose()?)
    }

    /// A line of the readiness report of a service that is ready; empty when it says nothing.
    ///
    /// # Errors
    /// When the service is not ready.
    pub async fn note(&self, name: &str) -> anyhow::Result<String> {
        let (status, _, text) = self.get("/readyz").await?;
        anyhow::ensure!(status == StatusCode::OK, "{status}: {text}");
        let report: Value = serde_json::from_str(&text)?;
        Ok(report[name].as_str().unwrap_or_default().to_owned())
    }
}
