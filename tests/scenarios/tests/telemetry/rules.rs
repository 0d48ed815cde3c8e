//! The alert rules of `deploy/prometheus`: as `promtool` sees them, and as a Prometheus with the metrics of a run does.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use testbed::{OperatorTool, eventually};
use tokio::process::Command;

use crate::dashboard::{NOT_MET, metrics_of};
use crate::prometheus::{Prometheus, deployed};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_rules_fire_when_they_should_and_not_otherwise() -> anyhow::Result<()> {
    let promtool = OperatorTool::Promtool.installed().await?;
    for (command, name) in [("check", "alerts.yaml"), ("test", "alerts_test.yaml")] {
        let output = Command::new(&promtool)
            .args([command, "rules"])
            .arg(file(name))
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{name}:\n{said}\n{complained}");
    }
    Ok(())
}

#[test]
fn every_rule_is_explained_and_tested_both_ways() -> anyhow::Result<()> {
    let rules = std::fs::read_to_string(file("alerts.yaml"))?;
    let tests = std::fs::read_to_string(file("alerts_test.yaml"))?;
    let names: Vec<&str> = after(&rules, "- alert: ").collect();
    let distinct: BTreeSet<&str> = names.iter().copied().collect();
    ensure!(
        !names.is_empty() && distinct.len() == names.len(),
        "{names:?}"
    );
    for annotation in [
        "summary: ",
        "description: ",
        "runbook: deploy/README.md#alerts",
        "labels: {severity: ",
    ] {
        let count = rules.matches(annotation).count();
        ensure!(
            count == names.len(),
            "{count} of {} rules have `{annotation}`",
            names.len()
        );
    }
    let tested: BTreeSet<&str> = after(&tests, "- name: ").collect();
    let runbook = std::fs::read_to_string(deployed("README.md"))?;
    for name in names {
        let row = format!("| `{name}` | ");
        ensure!(
            runbook.contains(&row),
            "the runbook does not say what {name} means"
        );
        for what in [format!("{name} fires"), format!("{name} does not fire")] {
            ensure!(tested.contains(what.as_str()), "no test `{what}`");
        }
    }
    Ok(())
}

/// A Prometheus has evaluated every rule over the metrics of the run, without an error; none of them is about a metric
/// that does not exist; and after a run in which nothing is wrong for long, no critical one fires.
pub(crate) async fn run_without_errors(prometheus: &Prometheus) -> anyhow::Result<()> {
    let rules = eventually(PATIENCE, "evaluated rules", || async {
        let rules = prometheus.rules().await?;
        let all_are = rules.iter().all(|rule| rule["health"] == "ok");
        ensure!(!rules.is_empty() && all_are, "{rules:#?}");
        Ok(rules)
    })
    .await?;
    for rule in rules {
        let query = rule["query"].as_str().context("no query")?;
        for metric in metrics_of(query) {
            let series = prometheus.query(metric).await?;
            let is_excused = NOT_MET.iter().any(|(known, _)| *known == metric);
            ensure!(is_excused || !series.is_empty(), "no {metric}: {query}");
        }
        let fires = rule["state"] == "firing" && rule["labels"]["severity"] == "critical";
        // The test bed's Redis syncs once a second, and is waited for no more.
        let is_expected = rule["name"] == "ImageReplicatorAcceptedJobsCouldBeLost";
        ensure!(!fires || is_expected, "{rule:#}");
    }
    Ok(())
}

/// A file of `deploy/prometheus`.
pub(crate) fn file(name: &str) -> PathBuf {
    deployed("prometheus").join(name)
}

fn after<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .filter_map(move |line| line.trim().strip_prefix(mark))
}
