//! Programs with which operators look at what they deploy, for the tests that do the same.
//!
//! Nothing of the cloud needs them: each is installed when a test first asks for it.

use std::path::PathBuf;

use anyhow::Context;

use crate::install::{self, Environment};

/// A program, by the package that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorTool {
    /// docker-compose, of Debian: reads a compose file as an engine would, and needs none for that.
    DockerCompose,
    /// A Python with kubernetes-validate, which has the schemas of Kubernetes with it.
    KubernetesValidate,
    /// prometheus, of Debian: scrapes the services of a test bed. Its daemon is not started.
    Prometheus,
    /// promtool, of the same package: checks rules and tests them.
    Promtool,
}

impl OperatorTool {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::DockerCompose,
        Self::KubernetesValidate,
        Self::Prometheus,
        Self::Promtool,
    ];

    /// Where the program is; installed before if the machine has none.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub async fn installed(self) -> anyhow::Result<PathBuf> {
        match self {
            Self::DockerCompose => debian("docker-compose", "docker-compose").await,
            Self::Prometheus => debian("prometheus", "prometheus").await,
            Self::Promtool => debian("prometheus", "promtool").await,
            Self::KubernetesValidate => {
                let environment = Environment {
                    name: "kubernetes-validate",
                    lock: include_str!("../clients/kubernetes-validate.lock"),
                    start_up: None,
                };
                Ok(install::environment(&environment).await?.join("bin/python"))
            }
        }
    }
}

async fn debian(package: &str, program: &str) -> anyhow::Result<PathBuf> {
    if let Some(path) = install::find(program) {
        return Ok(path);
    }
    install::install_packages(&[package]).await?;
    install::find(program).with_context(|| format!("{package} brought no {program}"))
}
