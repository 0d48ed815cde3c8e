//! `image-replicator`: image copies and plans for those who ask for them, at a terminal or in a script.
//!
//! It signs in as OpenStack's own clients do (`sign_in.rs`), speaks the gateway's public API (`gateway.rs`) and nothing
//! behind it, and shows what comes (`output.rs`, `progress.rs`). With `--direct` it needs no gateway: the copy engine runs in
//! this process (`direct.rs`). Results go to stdout, everything else to stderr. No secret is ever written to either.

mod arguments;
mod bars;
mod commands;
mod direct;
mod failure;
mod follow;
mod gateway;
mod host_names;
mod names;
mod output;
mod question;
#[cfg(test)]
mod reference;
mod session;
mod sign_in;
mod wait;

use std::io::Write;

use clap::Parser;

use crate::arguments::Arguments;
use crate::failure::Exit;

fn main() -> ! {
    openstack::install_crypto_provider();
    let arguments = Arguments::parse();
    if arguments.debug {
        // Requests by method, address and outcome; headers and bodies, which hold tokens and passwords, are never logged.
        tracing_subscriber::fmt()
            .with_env_filter("off,image_replicator=debug,copy_engine=debug")
            .with_writer(std::io::stderr)
            .init();
    }
    let exit = match tokio::runtime::Runtime::new() {
        Ok(runtime) => match runtime.block_on(commands::run(arguments)) {
            Ok(exit) => exit,
            Err(failure) => {
                // Nobody can be told when stderr is closed.
                let _ = writeln!(std::io::stderr(), "image-replicator: {failure}");
                failure.exit
            }
        },
        Err(_) => Exit::Failed,
    };
    // A question that nobody answers must not hold the process up.
    std::process::exit(exit.code())
}
