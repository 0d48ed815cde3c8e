//! `cargo bench-copy`: what a copy costs, next to what a user would do instead, in one run on the same two Glances.
//!
//! Prints Markdown tables, which `docs/benchmarks.md` holds and explains. Whatever is measured stands beside a raw
//! upload that was measured right before or after it (`pairs`); nothing is compared across runs.
//!
//! - [`stage`]: the test bed, its users, and what is looked at while something is measured.
//! - [`ways`]: how an image gets from one Glance to the other.
//! - [`pairs`]: pure; in which order things are measured, and which of them once more.
//! - [`alone`]: the copy engine without any Glance.
//! - [`dispatch`]: how soon a job begins, and small images.
//! - [`long_line`]: a source far away, and caps.
//! - [`control_plane`]: gateway, schedulers and Redis, without copies.
//! - [`reading`], [`process`]: wall time, processor time and memory of one measurement.
//! - [`table`], [`targets`], [`machine`]: what is printed.
#![allow(
    clippy::print_stdout,
    reason = "printing the tables is this program's job"
)]

mod alone;
mod command;
mod control_plane;
mod dispatch;
mod long_line;
mod machine;
mod nginx;
mod pairs;
mod plan;
mod process;
mod reading;
mod sheet;
mod stage;
mod statistics;
mod table;
mod targets;
mod ways;

use std::process::ExitCode;

use clap::Parser;

use crate::alone::mover::{Job, MOVER};
use crate::plan::{Plan, Row};
use crate::stage::Stage;
use crate::targets::Results;

/// Measures copies between two real Glances, each beside a raw upload, and prints the tables.
#[derive(Parser)]
#[command(name = "bench-copy", version)]
struct Arguments {
    /// What is measured; by default everything.
    #[arg(value_enum)]
    rows: Vec<Row>,
    /// Pairs of each way, instead of seven for a job of the largest image and three for all else.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pairs: Option<u16>,
    /// Size of the image that is copied, in GiB; may be given more than once. By default 1 and 4.
    #[arg(long, value_name = "GIB")]
    size: Vec<u64>,
    /// Small images and one pair of each: shows that everything works, and nothing else.
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [MOVER, job @ ..] = &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return ended(Job::parse(job).and_then(|job| job.run()));
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Fails only when the terminal is gone.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    let plan = Plan::new(
        &arguments.rows,
        arguments.pairs.map(usize::from),
        &arguments.size,
        arguments.quick,
    );
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(&plan)));
    ended(done)
}

fn ended(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            testbed::say(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Measures, and prints each table as soon as it is there: a run that breaks keeps what it has.
async fn run(plan: &Plan) -> anyhow::Result<()> {
    let load = machine::load();
    let stage = match plan.needs_a_cloud() {
        true => Some(Stage::set().await?),
        false => None,
    };
    println!("{}", machine::describe(stage.as_ref(), &load).await?);
    let mut results = Results::default();
    let mut dispatched = Ok(());
    if let Some(stage) = &stage {
        for wanted in &plan.sheets {
            let sheet = sheet::measure(stage, wanted).await?;
            println!("{}", table::of_sheet(&sheet));
            results.add(sheet);
        }
        if let Some(wanted) = plan.dispatch {
            match dispatch::measure(stage, wanted).await {
                Ok((dispatch, tables)) => {
                    println!("{tables}");
                    results.dispatch = Some(dispatch);
                }
                // What was measured before is still worth its verdicts.
                Err(error) => dispatched = Err(error),
            }
        }
    }
    if let Some(stage) = stage {
        stage.end().await?;
    }
    if let Some(wanted) = &plan.control {
        results.control = control_plane::measure(wanted).await?;
    }
    print!("{}", results.table());
    if let Some(wanted) = plan.engine {
        println!("{}", alone::measure(wanted).await?);
    }
    if let Some(wanted) = plan.line {
        long_line::measure(wanted).await?;
    }
    dispatched
}
