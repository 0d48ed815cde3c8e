//! What operators see of a run on real servers: its traces as one tree for each job, its metrics as a real Prometheus has
//! scraped them (with the dashboard's queries and the alert rules over them), and logs whose filter changes meanwhile.
//!
//! One run serves all of it: a copy, a copy that fails once and is tried again, and a plan that fires.

mod dashboard;
mod documented;
mod log_filter;
mod prometheus;
mod rules;
mod run;
mod traces;

use scenarios::Collector;
use testbed::Place;

use crate::prometheus::Prometheus;
use crate::run::Run;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_seen_in_traces_metrics_and_logs() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let bed = run::bed(collector.url()).await?;
    let prometheus = Prometheus::start(&bed).await?;
    let mut run = Run::on(&bed).await?;

    let copy = run.copy().await?;
    let retried = run.retried().await?;
    let plan = run.plan().await?;
    traces::of_a_copy(&collector, &copy).await?;
    traces::of_a_retried_copy(&collector, &retried).await?;
    traces::of_a_plan(&collector, &plan).await?;

    prometheus.has_scraped(&bed).await?;
    rules::run_without_errors(&prometheus).await?;
    dashboard::shows_the_run(&prometheus).await?;
    documented::holds(&bed).await?;
    log_filter::is_json_where_asked_for(&bed)?;
    log_filter::changes_while_a_service_runs(&bed, &run).await?;

    // Nobody waits for a collector that is gone.
    let exported = collector.text();
    drop(collector);
    run.copy().await?;
    let place = Place {
        name: "spans".to_owned(),
        text: exported,
    };
    let secrets = place.secrets();
    anyhow::ensure!(secrets.is_empty(), "secrets are exported: {secrets:?}");
    run.clean_up().await?;
    bed.check_leftovers().await?;
    bed.end().await
}
