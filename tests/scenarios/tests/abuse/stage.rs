//! The test bed of this binary: real Glances behind fronts that misbehave on demand, and what an operator sees.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, ensure};
use scenarios::{Stage, Turn};
use serde_json::Value;
use testbed::{GlanceOptions, MadeImage, Part, Region, TestBed};

use crate::front::Front;

/// The one worker.
pub(crate) const WORKER: Part = Part::Worker(Region::Ot2, 1);
/// The one scheduler.
pub(crate) const SCHEDULER: Part = Part::Scheduler(1);
/// The gateway.
pub(crate) const GATEWAY: Part = Part::Gateway(Region::Ot1);
/// Where they go.
pub(crate) const DESTINATION: Part = Part::Glance(Region::Ot2);

/// Attempts of a job here.
pub(crate) const ATTEMPTS: u64 = 2;

/// What takes minutes in production takes seconds here, in the same proportions.
const CONFIG: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
request_deadline = '8s'
[scheduler]
max_attempts = 2
retry_first = '200ms'
retry_longest = '1s'
reconcile_every = '250ms'
[scheduler.limits]
copies_per_tenant = 64
[worker]
copies = 32
poll_shortest = '1s'
poll_longest = '2s'
report_every = '200ms'
minimum_rate_window = '15s'
drain = '9s'
[copy]
idle_timeout = '12s'
";

/// uwsgi's own default; test beds have a longer one elsewhere.
pub(crate) const UPLOAD_PATIENCE: Duration = Duration::from_secs(4);

static STAGE: Stage = Stage::new();
static FRONTS: OnceLock<Fronts> = OnceLock::new();

/// The fronts that our services find in their configuration in the place of Glance.
pub(crate) struct Fronts {
    /// Of the source, for the gateway.
    pub(crate) gateway: Front,
    /// Of the source, for the worker.
    pub(crate) source: Front,
    /// Of the destination, for the worker.
    pub(crate) destination: Front,
}

/// This test's turn on the test bed.
pub(crate) async fn turn() -> anyhow::Result<(Turn, &'static Fronts)> {
    let turn = STAGE.turn(start).await?;
    Ok((turn, FRONTS.get().context("no fronts")?))
}

async fn start() -> anyhow::Result<TestBed> {
    let fronts = Fronts {
        gateway: Front::open()?,
        source: Front::open()?,
        destination: Front::open()?,
    };
    let at = |region: &str, front: &Front| {
        format!("[regions.{region}]\nglance_url = '{}'\n", front.url())
    };
    let worker = at("ot1", &fronts.source) + &at("ot2", &fronts.destination);
    let as_uwsgi_comes = GlanceOptions {
        socket_timeout: UPLOAD_PATIENCE,
        ..GlanceOptions::default()
    };
    let bed = TestBed::builder()
        .workers(Region::Ot1, 0)
        .glance(Region::Ot2, as_uwsgi_comes)
        .config(CONFIG)
        .part_config(GATEWAY, &at("ot1", &fronts.gateway))
        .part_config(WORKER, &worker)
        .start()
        .await?;
    for (front, region) in [
        (&fronts.gateway, Region::Ot1),
        (&fronts.source, Region::Ot1),
        (&fronts.destination, Region::Ot2),
    ] {
        front.before(&bed.cloud("admin", region).await?.glance_url);
    }
    FRONTS.get_or_init(|| fronts);
    Ok(bed)
}

/// Watches a job to its end, which must be this error; the caller reads the code and each of `words`.
pub(crate) async fn expect_error(
    turn: &Turn,
    job: &str,
    code: &str,
    words: &[&str],
) -> anyhow::Result<Value> {
    let document = turn.copies().until_final(job).await?;
    let error = &document["error"];
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(
        document["status"] == "error" && error["code"] == code,
        "{code} expected: {document}"
    );
    ensure!(
        words.iter().all(|word| message.contains(word)),
        "{words:?} expected: {document}"
    );
    ensure!(document["destination_image_id"].is_null(), "{document}");
    Ok(document)
}

/// A copy of the image that comes through at once, though others did not: all is well again.
pub(crate) async fn expect_copied(turn: &Turn, image: &MadeImage) -> anyhow::Result<String> {
    let job = turn.start(image).await?;
    let document = turn.copies().until_replicated(&job).await?;
    ensure!(document["attempt"] == 1, "{document}");
    turn.replicas().expect_whole(&document, image).await
}
