//! The API gateway: the only part of the service that callers reach.

use std::process::ExitCode;

use api_gateway::run;
use service_kit::Service;
use service_kit::config::Config;

fn main() -> ExitCode {
    let gateway = Service {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        about: "The public API of image-replicator: authenticates, validates, accepts copy jobs.",
        drain: |config: &Config| {
            config.gateway().map_or_else(
                |_| Default::default(),
                |gateway| gateway.drain_delay + gateway.drain,
            )
        },
    };
    service_kit::run(gateway, run)
}
