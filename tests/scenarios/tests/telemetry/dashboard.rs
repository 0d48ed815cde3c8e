//! The dashboard of `deploy/grafana`: every query is put to a Prometheus that has scraped a run, and shows something of it.

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::prometheus::{Prometheus, deployed};

/// Metrics that a run without troubles has no series of, and why. That there are none is checked, too.
pub(crate) const NOT_MET: [(&str, &str); 1] = [(
    "image_replicator_scheduler_leases_lost_total",
    "no worker died; the query falls back to the copies that run",
)];

/// What Grafana puts in the place of its variables.
const VARIABLES: [(&str, &str); 3] = [
    ("$__rate_interval", "1m"),
    ("$source", ".*"),
    ("$destination", ".*"),
];

/// Every query works, and gives something.
pub(crate) async fn shows_the_run(prometheus: &Prometheus) -> anyhow::Result<()> {
    for (metric, why) in NOT_MET {
        let series = prometheus.query(metric).await?;
        ensure!(
            series.is_empty(),
            "{metric} is met, though {why}: {series:?}"
        );
    }
    let queries = queries()?;
    ensure!(!queries.is_empty(), "no queries");
    let mut empty = Vec::new();
    for (panel, query) in &queries {
        let series = prometheus.query(query).await?;
        if series.is_empty() {
            empty.push(format!("{panel}: {query}"));
        }
    }
    ensure!(
        empty.is_empty(),
        "these show nothing:\n{}",
        empty.join("\n")
    );
    Ok(())
}

/// The names of our metrics in a query.
pub(crate) fn metrics_of(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| {
        ["image_replicator_", "process_"]
            .iter()
            .any(|prefix| word.starts_with(prefix))
    })
}

/// The queries with their panels' titles, as Prometheus gets them.
fn queries() -> anyhow::Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(deployed("grafana/image-replicator.json"))?;
    let dashboard: Value = serde_json::from_str(&text)?;
    let panels = dashboard["panels"].as_array().context("no panels")?;
    let mut queries = Vec::new();
    for panel in panels {
        let title = panel["title"].as_str().context("a panel without a title")?;
        let targets = panel["targets"].as_array().into_iter().flatten();
        for target in targets {
            let mut query = target["expr"].as_str().context("no expr")?.to_owned();
            for (variable, value) in VARIABLES {
                query = query.replace(variable, value);
            }
            ensure!(
                !query.contains('$'),
                "{title}: an unknown variable: {query}"
            );
            queries.push((title.to_owned(), query));
        }
    }
    Ok(queries)
}
