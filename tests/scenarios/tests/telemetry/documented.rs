//! `docs/metrics.md` is held equal to what the services export.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, ensure};
use scenarios::AdminPort;
use testbed::TestBed;

use crate::dashboard::NOT_MET;
use crate::run::SERVICES;

/// Set to anything, the page is written instead of read.
const UPDATE: &str = "UPDATE_METRICS";
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");

/// Between these two lines stands the table.
const BEGIN: &str = "| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n";
const END: &str = "\n\n";

/// Labels that the format itself has.
const OF_THE_FORMAT: [&str; 1] = ["le"];

/// A row: what is said of one metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Metric {
    name: String,
    kind: String,
    unit: String,
    labels: BTreeSet<String>,
    help: String,
}

/// Every metric that the services of the run export is in the table, as it is; and the table has no other, but those that
/// such a run has no series of.
pub(crate) async fn holds(bed: &TestBed) -> anyhow::Result<()> {
    let mut exported = BTreeMap::new();
    for part in SERVICES {
        let (_, _, page) = AdminPort::of(bed, part)?.get("/metrics").await?;
        read(&page, &mut exported).with_context(|| part.to_string())?;
    }
    let text = std::fs::read_to_string(PAGE)?;
    let (before, rest) = text.split_once(BEGIN).context("no table")?;
    let (table, after) = rest.split_once(END).context("no end of the table")?;
    let documented = table.lines().map(Metric::parse);
    let documented: Vec<Metric> = documented.collect::<anyhow::Result<_>>()?;
    let is_excused = |metric: &&Metric| {
        let total = format!("{}_total", metric.name);
        NOT_MET
            .iter()
            .any(|(name, _)| [&metric.name, &total].contains(&&(*name).to_owned()))
    };
    if std::env::var_os(UPDATE).is_some() {
        for metric in documented.iter().filter(is_excused) {
            exported
                .entry(metric.name.clone())
                .or_insert(metric.clone());
        }
        let rows: Vec<String> = exported.values().map(ToString::to_string).collect();
        let text = format!("{before}{BEGIN}{}{END}{after}", rows.join("\n"));
        return Ok(std::fs::write(PAGE, text)?);
    }
    for metric in &documented {
        match exported.remove(&metric.name) {
            Some(found) => ensure!(
                found == *metric,
                "is:\n{found}\nand documented as:\n{metric}"
            ),
            None => ensure!(is_excused(&metric), "nobody exports {}", metric.name),
        }
    }
    ensure!(
        exported.is_empty(),
        "not documented: {:#?}",
        exported.keys()
    );
    Ok(())
}

/// Adds the metrics of an exposition in the OpenMetrics format.
fn read(page: &str, metrics: &mut BTreeMap<String, Metric>) -> anyhow::Result<()> {
    let mut current = String::new();
    for line in page.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (what, name) = (words.next().unwrap_or_default(), words.next());
            let (Some(name), Some(text)) = (name, words.next()) else {
                continue;
            };
            current = name.to_owned();
            let metric = metrics.entry(current.clone()).or_insert_with(|| Metric {
                name: name.to_owned(),
                kind: String::new(),
                unit: String::new(),
                labels: BTreeSet::new(),
                help: String::new(),
            });
            match what {
                "HELP" => metric.help = text.trim_end_matches('.').to_owned(),
                "TYPE" => metric.kind = text.to_owned(),
                "UNIT" => metric.unit = text.to_owned(),
                other => anyhow::bail!("unknown: {other}"),
            }
        } else {
            let metric = metrics.get_mut(&current).context("a sample of nothing")?;
            metric.labels.extend(labels(line));
        }
    }
    Ok(())
}

/// The names of a sample's labels.
fn labels(sample: &str) -> Vec<String> {
    let Some((_, labels)) = sample.split_once('{') else {
        return Vec::new();
    };
    let names = labels
        .split("=\"")
        .filter_map(|part| part.rsplit(['"', ',', '{']).next());
    let is_name = |name: &&str| {
        let letters = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        !name.is_empty() && letters && !OF_THE_FORMAT.contains(name)
    };
    names.filter(is_name).map(str::to_owned).collect()
}

impl Metric {
    fn parse(row: &str) -> anyhow::Result<Self> {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, unit, labels, help] = cells[..] else {
            anyhow::bail!("no row of five cells: {row}");
        };
        let labels = labels.split(", ").filter(|name| !name.is_empty());
        Ok(Self {
            name: name.trim_matches('`').to_owned(),
            kind: kind.to_owned(),
            unit: unit.to_owned(),
            labels: labels
                .map(|name| name.trim_matches('`').to_owned())
                .collect(),
            help: help.to_owned(),
        })
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> = self.labels.iter().map(|name| format!("`{name}`")).collect();
        let (name, kind, unit, help) = (&self.name, &self.kind, &self.unit, &self.help);
        write!(
            f,
            "| `{name}` | {kind} | {unit} | {} | {help} |",
            labels.join(", ")
        )
    }
}

#[test]
fn labels_are_read_whatever_is_in_their_values() {
    let sample = r#"a_total{method="GET",route="/v2/{id}/x,y",code="200"} 3"#;
    assert_eq!(labels(sample), ["method", "route", "code"]);
    assert!(labels("process_threads 3").is_empty());
    assert!(labels(r#"a_bucket{le="0.5"} 3"#).is_empty());
}
