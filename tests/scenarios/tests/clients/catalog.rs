//! Where a caller's own catalog says that a service is.

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use testbed::Cloud;

/// The public endpoint of a type of service in the caller's region.
///
/// # Errors
/// When the catalog has none.
pub(crate) async fn endpoint(cloud: &Cloud, service: &str) -> anyhow::Result<String> {
    let answer: Value = cloud
        .keystone(Method::GET, "/auth/catalog")
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let services = answer["catalog"].as_array().context("no catalog")?;
    services
        .iter()
        .filter(|entry| entry["type"] == service)
        .filter_map(|entry| entry["endpoints"].as_array())
        .flatten()
        .find(|endpoint| {
            endpoint["interface"] == "public" && endpoint["region_id"] == cloud.region.as_str()
        })
        .and_then(|endpoint| endpoint["url"].as_str())
        .map(str::to_owned)
        .with_context(|| format!("no endpoint of {service} in {answer}"))
}
