//! The binary `job-scheduler`: arguments, configuration and signals are [`service_kit::run`]'s.

use std::process::ExitCode;

use service_kit::Service;

fn main() -> ExitCode {
    let service = Service {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        about: "Owns the state of image copy jobs: leases, retries, fairness",
        drain: |config| config.scheduler.drain,
    };
    service_kit::run(service, job_scheduler::run)
}
