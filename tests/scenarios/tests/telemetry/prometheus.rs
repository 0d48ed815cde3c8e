//! A Prometheus of the test's own that scrapes the services of a test bed, with our alert rules.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use scenarios::AdminPort;
use serde_json::Value;
use testbed::{OperatorTool, Part, TestBed, eventually};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::rules;
use crate::run::SERVICES;

/// Starting and scraping take a second or two, more on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; ends with this value.
pub(crate) struct Prometheus {
    url: String,
    _server: Child,
}

impl Prometheus {
    /// Starts one for a test bed.
    pub(crate) async fn start(bed: &TestBed) -> anyhow::Result<Self> {
        let program = OperatorTool::Prometheus.installed().await?;
        let directory = bed.directory().join("prometheus");
        std::fs::create_dir_all(&directory)?;
        let config = directory.join("prometheus.yaml");
        std::fs::write(&config, configuration(bed)?)?;
        let log = std::fs::File::create(directory.join("log"))?;
        // It takes no listening socket, so another may take the port first: then it ends and the test says so.
        let free = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let server = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                directory.join("data").display()
            ))
            .arg(format!("--web.listen-address={free}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start prometheus")?;
        let prometheus = Self {
            url: format!("http://{free}"),
            _server: server,
        };
        eventually(PATIENCE, "prometheus", || async {
            prometheus.query("vector(1)").await.map(drop)
        })
        .await
        .with_context(|| format!("see {}", directory.join("log").display()))?;
        Ok(prometheus)
    }

    /// Waits until every service has been scraped twice after now, so that all that was counted is here, with a rate.
    pub(crate) async fn has_scraped(&self, bed: &TestBed) -> anyhow::Result<()> {
        let scrapes = "min(count_over_time(up[1h]))";
        let before = self.number(scrapes).await?;
        eventually(PATIENCE, "two more scrapes", || async {
            let up = self.query("up == 1").await?;
            ensure!(
                up.len() == SERVICES.len(),
                "{up:?} of {:?}",
                bed.parts().await?
            );
            let now = self.number(scrapes).await?;
            ensure!(now >= before + 2.0, "{now} of {before}");
            Ok(())
        })
        .await
    }

    /// The series that a query gives now.
    pub(crate) async fn query(&self, query: &str) -> anyhow::Result<Vec<Value>> {
        let mut answer = self.get("/api/v1/query", &[("query", query)]).await?;
        match answer["data"]["result"].take() {
            Value::Array(series) => Ok(series),
            other => anyhow::bail!("{query}: {other}"),
        }
    }

    /// All rules as the server sees them.
    pub(crate) async fn rules(&self) -> anyhow::Result<Vec<Value>> {
        let answer = self.get("/api/v1/rules", &[]).await?;
        let groups = answer["data"]["groups"].as_array().context("no groups")?;
        let rules = groups.iter().filter_map(|group| group["rules"].as_array());
        Ok(rules.flatten().cloned().collect())
    }

    async fn number(&self, query: &str) -> anyhow::Result<f64> {
        let series = self.query(query).await?;
        let value = series
            .first()
            .map_or("0", |it| it["value"][1].as_str().unwrap_or_default());
        Ok(value.parse()?)
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        let request = testbed::http_client()?.get(format!("{}{path}", self.url));
        let answer: Value = request.query(query).send().await?.json().await?;
        ensure!(answer["status"] == "success", "{query:?}: {answer}");
        Ok(answer)
    }
}

/// The jobs have the names that those of `deploy/compose/prometheus.yaml` have.
fn configuration(bed: &TestBed) -> anyhow::Result<String> {
    let mut text = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\nscrape_configs:\n",
        rules::file("alerts.yaml").display()
    );
    for (job, is_of) in [
        (
            "api-gateway",
            (|part| matches!(part, Part::Gateway(_))) as fn(Part) -> bool,
        ),
        ("job-scheduler", |part| matches!(part, Part::Scheduler(_))),
        ("copy-worker", |part| matches!(part, Part::Worker(..))),
    ] {
        let parts = SERVICES.into_iter().filter(|part| is_of(*part));
        let addresses = parts
            .map(|part| Ok(AdminPort::of(bed, part)?.address().to_owned()))
            .collect::<anyhow::Result<Vec<_>>>()?;
        text += &format!("- job_name: {job}\n  static_configs: [{{targets: {addresses:?}}}]\n");
    }
    Ok(text)
}

/// A file below `deploy/`.
pub(crate) fn deployed(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy")).join(path)
}
