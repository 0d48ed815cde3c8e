//! Brings onto the machine what the test bed runs: Debian packages, the Python environment and the databases'
//! templates. Nothing is done twice: each step looks first.

mod axe;
mod packages;
mod python;
mod templates;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(crate) use axe::axe;
pub(crate) use packages::{faketime, find};
pub(crate) use python::Environment;
pub(crate) use templates::{DatabaseTemplate, keystone_template};

use crate::browser;
use crate::foreign_client::ForeignClient;
use crate::narrator::timed;
use crate::operator_tool::OperatorTool;

/// Where the programs of the cloud are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Installed {
    /// The Python environment with Keystone, Glance, uwsgi and the openstack client.
    pub(crate) venv: PathBuf,
    /// Glance's schema, ready to be copied.
    pub(crate) glance_template: PathBuf,
    /// The RabbitMQ launcher that does not change users.
    pub(crate) rabbitmq_server: PathBuf,
    /// The Erlang port mapper.
    pub(crate) epmd: PathBuf,
    /// redis-server.
    pub(crate) redis_server: PathBuf,
    /// nginx.
    pub(crate) nginx: PathBuf,
}

/// Installs what is missing and returns where everything is.
///
/// # Errors
/// When a package, the Python environment or a template cannot be made; the error says which and why.
pub(crate) async fn install() -> anyhow::Result<Installed> {
    packages::install_missing().await?;
    let python = python::interpreter().await?;
    let venv = python::environment(&python, &python::SERVERS).await?;
    let glance_template = templates::glance(&venv).await?;
    let programs = packages::locate()?;
    Ok(Installed {
        venv,
        glance_template,
        rabbitmq_server: programs.rabbitmq_server,
        epmd: programs.epmd,
        redis_server: programs.redis_server,
        nginx: programs.nginx,
    })
}

/// Installs libfaketime, which only some test beds need.
///
/// # Errors
/// When it cannot be installed.
pub(crate) async fn faketime_installed() -> anyhow::Result<()> {
    match faketime() {
        Some(_) => Ok(()),
        None => packages::install(&["libfaketime"]).await,
    }
}

/// Installs Debian packages that only some tests need.
///
/// # Errors
/// When they cannot be installed.
pub(crate) async fn install_packages(names: &[&str]) -> anyhow::Result<()> {
    packages::install(names).await
}

/// The directory of a Python environment, made when the cache has none.
///
/// # Errors
/// When it cannot be made.
pub(crate) async fn environment(environment: &Environment) -> anyhow::Result<PathBuf> {
    let python = python::interpreter().await?;
    python::environment(&python, environment).await
}

/// Everything that `testbed install` promises: also the seeded databases of both shapes, libfaketime, the foreign clients, the
/// operators' tools and a browser.
///
/// # Errors
/// As the private `install`, and when a seeded template cannot be made.
pub async fn install_everything() -> anyhow::Result<()> {
    timed("installation", async {
        let installed = install().await?;
        for template in DatabaseTemplate::ALL {
            keystone_template(&installed.venv, template).await?;
        }
        faketime_installed().await?;
        for client in ForeignClient::ALL {
            client.installed().await?;
        }
        for tool in OperatorTool::ALL {
            tool.installed().await?;
        }
        browser::chromium().await?;
        browser::axe().await?;
        Ok(())
    })
    .await
}
