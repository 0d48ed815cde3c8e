//! Logs are for people or for programs, and their level changes with the configuration file while a service runs.

use std::time::Duration;

use anyhow::ensure;
use serde_json::Value;
use testbed::{Part, Region, TestBed, eventually};

use crate::run::{JSON_LOG, Run};

const GATEWAY: Part = Part::Gateway(Region::Ot1);
const PATIENCE: Duration = Duration::from_secs(60);

/// A line of a request that only a debugging log has.
const DEBUG: &str = " DEBUG ";

/// Every line of a log in JSON is an object that says when, how bad and where.
pub(crate) fn is_json_where_asked_for(bed: &TestBed) -> anyhow::Result<()> {
    let log = bed.log(JSON_LOG)?;
    ensure!(!log.is_empty(), "nothing is logged");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line)?;
        for key in ["timestamp", "level", "target"] {
            ensure!(line[key].is_string(), "no {key}: {line}");
        }
    }
    Ok(())
}

pub(crate) async fn changes_while_a_service_runs(
    bed: &TestBed,
    run: &Run<'_>,
) -> anyhow::Result<()> {
    let (began, before) = (bed.pid(GATEWAY).await?, bed.log(GATEWAY)?);
    ensure!(!before.contains(DEBUG), "it is a debugging log already");
    let file = bed
        .directory()
        .join(GATEWAY.to_string())
        .join("config.toml");
    let config = std::fs::read_to_string(&file)?;
    let (head, tail) = config
        .split_once("[telemetry]\n")
        .ok_or_else(|| anyhow::anyhow!("no telemetry: {config}"))?;
    let change = |filter: &str| {
        let text = format!("{head}[telemetry]\nlog_filter = '{filter}'\n{tail}");
        std::fs::write(&file, text)
    };

    change("debug")?;
    eventually(PATIENCE, "debugging lines", || async {
        run.ask().await?;
        ensure!(bed.log(GATEWAY)?.contains(DEBUG), "none yet");
        Ok(())
    })
    .await?;

    // What nobody can read changes nothing, and is said.
    let known = bed.log(GATEWAY)?.len();
    change("api_gateway=loud")?;
    let refused = "the log filter cannot be used; what was before stays";
    says(bed, known, refused).await?;

    change("error")?;
    eventually(PATIENCE, "silence", || async {
        let before = bed.log(GATEWAY)?.len();
        run.ask().await?;
        let after = bed.log(GATEWAY)?.len();
        ensure!(after == before, "it still tells of requests");
        Ok(())
    })
    .await?;

    let known = bed.log(GATEWAY)?.len();
    std::fs::write(&file, &config)?;
    says(bed, known, "the log filter has changed").await?;
    ensure!(bed.pid(GATEWAY).await? == began, "it was started anew");
    Ok(())
}

/// Waits for words behind what is known of the log.
async fn says(bed: &TestBed, known: usize, words: &str) -> anyhow::Result<()> {
    eventually(PATIENCE, words, || async {
        let log = bed.log(GATEWAY)?;
        let news = log.get(known..).unwrap_or_default();
        ensure!(news.contains(words), "not yet: {news}");
        Ok(())
    })
    .await
}
