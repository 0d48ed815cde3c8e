//! One trace from the caller's request to the worker's requests to Glance.

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::{Copies, Wiretap};
use serde_json::json;
use testbed::{Part, Region};

use crate::turn::Turn;

const WORKER: Part = Part::Worker(Region::Ot2, 1);
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLERS_SPAN: &str = "00f067aa0ba902b7";

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_trace_reaches_both_glances() -> anyhow::Result<()> {
    let turn = Turn::take(1).await?;
    let (alice, image) = turn.alice_with_image("proj-ot1").await?;
    let glance = turn.bed.cloud("alice", Region::Ot2).await?.glance_url;
    let source = Wiretap::before(&alice.glance_url).await?;
    let destination = Wiretap::before(&glance).await?;
    let taps = format!(
        "[regions.ot1]\nglance_url = '{}'\n[regions.ot2]\nglance_url = '{}'",
        source.url(),
        destination.url()
    );
    turn.configure(WORKER, &taps).await?;

    let copies = Copies::of(&alice);
    let request = copies
        .request(Method::POST, "")
        .header("traceparent", format!("00-{TRACE_ID}-{CALLERS_SPAN}-01"))
        .json(&json!({"image_id": image, "tenant_id_dst": turn.destination()?}));
    let answer = copies.send(request).await?.json(202)?;
    let job = answer["job_id"].as_str().context("no job_id")?;
    let document = copies.until_replicated(job).await?;
    let copy = document["destination_image_id"]
        .as_str()
        .context("no image")?;

    let download = format!("GET /v2/images/{image}/file");
    traced(&source, &download)?;
    traced(&destination, "POST /v2/images")?;
    traced(&destination, &format!("PUT /v2/images/{copy}/file"))?;
    traced(&destination, &format!("PATCH /v2/images/{copy}"))?;
    turn.finish().await
}

/// Every request of this line carries the caller's trace, and a span that is not the caller's own.
fn traced(tap: &Wiretap, line: &str) -> anyhow::Result<()> {
    let all = tap.requests();
    let asked: Vec<&String> = all
        .iter()
        .filter(|head| head.lines().next() == Some(line))
        .collect();
    ensure!(!asked.is_empty(), "no `{line}` among {all:#?}");
    let expected = format!("\ntraceparent: 00-{TRACE_ID}-");
    for head in asked {
        let in_trace = head.contains(&expected) && !head.contains(CALLERS_SPAN);
        ensure!(in_trace, "outside of the trace: {head}");
    }
    Ok(())
}
