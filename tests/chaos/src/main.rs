//! `cargo chaos`: a run of any length, and its table.
#![allow(
    clippy::print_stdout,
    reason = "printing the table is this program's job"
)]

use std::process::ExitCode;
use std::time::Duration;

use chaos::run::{Plan, run};
use clap::Parser;

/// Copies images on a private cloud while everything in it is broken, and checks that nothing was lost or left.
#[derive(Parser)]
#[command(name = "chaos", version)]
struct Arguments {
    /// For how long faults are begun; the start of the cloud and the end of the last copies come on top.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// What decides the faults and the copies; by default another one each time.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Our services as they are released.
    #[arg(long)]
    release: bool,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Fails only when the terminal is gone.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    let plan = Plan {
        seed: arguments
            .seed
            .unwrap_or_else(|| rand::random_range(0..1_000_000)),
        length: Duration::from_secs(60 * arguments.minutes),
        faults: 0,
        copies: 0,
        release: arguments.release,
        plant: false,
    };
    let report = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(plan)));
    match report {
        Ok(report) => {
            println!("{report}");
            if report.violations().is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            testbed::say(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
