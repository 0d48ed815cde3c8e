//! The binary `job-scheduler`: arguments, configuration and signals are [`service_kit::run`]'s; `job-scheduler admin …`
//! is what operators do.

use std::process::ExitCode;

use job_scheduler::admin::command_line;
use service_kit::Service;

fn main() -> ExitCode {
    if let Some(arguments) = command_line::asked_for(std::env::args_os()) {
        return command_line::run(arguments);
    }
    let service = Service {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        about: "Owns the state of image copy jobs: leases, retries, fairness. What operators can do: `job-scheduler admin --help`",
        drain: |config| config.scheduler.drain,
    };
    service_kit::run(service, job_scheduler::run)
}
