//! What clients ask before they have a token.

use anyhow::ensure;
use reqwest::Method;
use scenarios::Answer;
use serde_json::{Value, json};
use testbed::Region;

use crate::bed;
use crate::compute::Compute;

#[tokio::test(flavor = "multi_thread")]
async fn version_documents_need_no_token() -> anyhow::Result<()> {
    let compute = Compute::of(bed().await?, "alice", Region::Ot1).await?;
    let (base, client) = (&compute.base, testbed::http_client()?);
    let get = async |path: &str| {
        let answer = client.get(format!("{base}{path}")).send().await?;
        Answer::read(answer).await
    };
    let all = get("/").await?.json(200)?;
    let ids: Vec<&Value> = (0..2).map(|place| &all["versions"][place]["id"]).collect();
    ensure!(ids == ["v2.0", "v2.1"], "{all}");
    for path in ["/v2", "/v2/"] {
        let answer = get(path).await?;
        answer.expect_request_id()?;
        let version = &answer.json(200)?["version"];
        let expected = json!([{"rel": "self", "href": format!("{base}/v2/")}]);
        ensure!(version["links"] == expected, "{version}");
        for (key, value) in [
            ("id", "v2.0"),
            ("status", "SUPPORTED"),
            ("version", ""),
            ("min_version", ""),
        ] {
            ensure!(version[key] == value, "{key}: {version}");
        }
        ensure!(version["updated"].is_string(), "{version}");
    }
    for path in ["/v2.1", "/v2.1/"] {
        let version = &get(path).await?.json(200)?["version"];
        ensure!(
            version["id"] == "v2.1" && version["status"] == "CURRENT",
            "{version}"
        );
        let head = client.request(Method::HEAD, format!("{base}{path}"));
        ensure!(head.send().await?.status() == 200);
    }
    // A client probes this one first, and goes on only when there is nothing.
    let probed = get(&format!("/v2/{}", compute.tenant)).await?.json(404)?;
    ensure!(probed["itemNotFound"]["code"] == 404, "{probed}");
    Ok(())
}
