//! Our own programs, built by the call that asks for them: a test bed never runs a stale binary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;
use tokio::process::Command;

use crate::command::output_of;

/// Our services: each a package with a binary of its name.
const SERVICES: [&str; 3] = ["api-gateway", "job-scheduler", "copy-worker"];

/// The package and the binary of the command line that calls them. Nobody measures it, so no release of it is built.
const COMMAND_LINE: (&str, &str) = ("command-line", "image-replicator");

/// Where the freshly built programs are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Binaries {
    /// This package's command line: the supervisor and the relay.
    pub(crate) testbed: PathBuf,
    services: BTreeMap<String, PathBuf>,
}

impl Binaries {
    /// The binary of service `name`, or of the command line.
    ///
    /// # Errors
    /// When it was not built.
    pub(crate) fn service(&self, name: &str) -> anyhow::Result<&Path> {
        self.services
            .get(name)
            .map(PathBuf::as_path)
            .with_context(|| format!("{name} was not built"))
    }
}

/// One line of `cargo build --message-format=json`; other messages lack the executable.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// Builds the test bed's own program and, with `services`, ours; nothing else that their packages hold.
///
/// # Errors
/// When cargo fails; the error ends with what the compiler said last.
pub(crate) async fn build(services: bool, release: bool) -> anyhow::Result<Binaries> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(workspace())
        .args([
            "build",
            "--quiet",
            "--message-format=json-render-diagnostics",
        ])
        .args(["--package", "testbed", "--bin", "testbed"]);
    // Set by the cargo that runs us, about this package; some build scripts would see a change and build again.
    for (name, _) in std::env::vars_os() {
        let about_us = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
            "CARGO_PRIMARY_",
        ];
        if about_us
            .iter()
            .any(|start| name.to_string_lossy().starts_with(start))
        {
            cargo.env_remove(name);
        }
    }
    if services {
        for service in SERVICES {
            cargo.args(["--package", service, "--bin", service]);
        }
    }
    if services && !release {
        let (package, program) = COMMAND_LINE;
        cargo.args(["--package", package, "--bin", program]);
    }
    if release {
        cargo.arg("--release");
    }
    let messages = output_of(cargo).await?;
    let mut programs: BTreeMap<String, PathBuf> = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok()?.executable)
        .filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path)))
        .collect();
    Ok(Binaries {
        testbed: programs
            .remove("testbed")
            .context("cargo built no testbed")?,
        services: programs,
    })
}

fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package)
}
