//! Our own programs, built by the call that asks for them: a test bed never runs a stale binary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;
use tokio::process::Command;

use crate::command::output_of;

/// The packages whose binaries are our services, and the command line that calls them.
const SERVICES: [&str; 4] = [
    "api-gateway",
    "job-scheduler",
    "copy-worker",
    "command-line",
];

/// Where the freshly built programs are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Binaries {
    /// This package's command line: the supervisor and the relay.
    pub(crate) testbed: PathBuf,
    services: BTreeMap<String, PathBuf>,
}

impl Binaries {
    /// The binary of service `name`.
    ///
    /// # Errors
    /// When the services were not built.
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

/// Builds the test bed's own program and, with `services`, ours.
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
            "--bins",
            "--message-format=json-render-diagnostics",
        ])
        .args(["--package", "testbed"]);
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
        cargo.args(SERVICES.iter().flat_map(|service| ["--package", service]));
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
