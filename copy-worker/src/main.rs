//! The copy worker: moves image bytes and does everything that is done to a Glance.

use std::process::ExitCode;

use copy_worker::run;
use service_kit::Service;
use service_kit::config::Config;

fn main() -> ExitCode {
    let worker = Service {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        about: "Copies images into its region: claims work, copies, verifies, reports.",
        drain: |config: &Config| {
            config
                .worker()
                .map_or_else(|_| Default::default(), |worker| worker.drain)
        },
    };
    service_kit::run(worker, run)
}
