//! One TOML file for all services, a section each; the environment overrides every key.
//!
//! Unknown keys, wrong types and contradictions are refused when a service starts, each with the name
//! of the key and the remedy. Secrets are taken from the environment or from files of their own, never
//! from the configuration file. `deploy/image-replicator.toml` lists every key with its default; a test
//! holds it equal to the code.

mod bandwidth;
mod contradictions;
mod copy;
mod duration;
mod environment;
mod follow;
mod gateway;
mod policy;
mod rabbitmq;
mod redis;
mod region;
mod scheduler;
mod secret;
mod telemetry;
mod tls;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::RegionId;
use serde::Deserialize;

pub use bandwidth::BandwidthConfig;
pub use copy::{CopyConfig, Visibility};
pub use follow::follow;
pub use gateway::GatewayConfig;
pub use policy::PolicyConfig;
pub use rabbitmq::RabbitmqConfig;
pub use redis::{HostPort, RedisConfig};
pub use region::{RegionConfig, RulesConfig, Scope, ServiceUserConfig};
pub use scheduler::{LimitsConfig, SchedulerConfig};
pub use telemetry::{LogFormat, TelemetryConfig};
pub use tls::{CertificateConfig, GrpcConfig, MutualTlsConfig};
pub use worker::WorkerConfig;

/// Everything that the configuration says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    gateway: Option<GatewayConfig>,
    worker: Option<WorkerConfig>,
    /// The scheduler.
    #[serde(default)]
    pub scheduler: SchedulerConfig,
    /// Calls between the services.
    #[serde(default)]
    pub grpc: GrpcConfig,
    /// What a copy carries and how its bytes move.
    #[serde(default)]
    pub copy: CopyConfig,
    /// How fast workers read.
    #[serde(default)]
    pub bandwidth: BandwidthConfig,
    /// The message queue.
    #[serde(default)]
    pub rabbitmq: RabbitmqConfig,
    /// The store.
    #[serde(default)]
    pub redis: RedisConfig,
    /// Who may do what.
    #[serde(default)]
    pub policy: PolicyConfig,
    /// The cloud's regions.
    pub regions: BTreeMap<RegionId, RegionConfig>,
    /// Logs and traces.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
}

/// Why a configuration can't be used. Every message names the key and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of a secret or a certificate can't be read.
    #[error("{key}: can't read {}: {source}", path.display())]
    SecretFile {
        /// Dotted path of the key that names the file.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{} is not valid TOML: {problem}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        problem: String,
    },
    /// A key is unknown, missing or of the wrong type.
    #[error("{key}: {problem}")]
    Key {
        /// Dotted path of the key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl ConfigError {
    pub(crate) fn key(key: impl Into<String>, problem: impl ToString) -> Self {
        Self::Key {
            key: key.into(),
            problem: problem.to_string(),
        }
    }
}

impl Config {
    /// Reads the file at `path` and lays `environment` over it.
    ///
    /// # Errors
    /// [`ConfigError`], naming the key.
    pub fn load(
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text, environment)
    }

    /// The configuration of the text of the file at `path`.
    fn parse(
        path: &Path,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let table = text
            .parse::<toml::Table>()
            .map_err(|error| ConfigError::Syntax {
                path: path.to_owned(),
                problem: error.message().to_owned(),
            })?;
        Self::from_table(table, environment)
    }

    /// The configuration of a parsed file and an environment.
    ///
    /// # Errors
    /// [`ConfigError`], naming the key.
    pub fn from_table(
        mut table: toml::Table,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        secret::refuse_in_file(&table)?;
        environment::overlay(&mut table, environment)?;
        let config: Self =
            serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|error| {
                let problem = error.inner().message().trim().to_owned();
                ConfigError::key(error.path().to_string(), problem)
            })?;
        contradictions::refuse(&config)?;
        Ok(config)
    }

    /// The gateway's section.
    ///
    /// # Errors
    /// When the file has none: it can't be left to defaults, since it names the gateway's region.
    pub fn gateway(&self) -> Result<&GatewayConfig, ConfigError> {
        self.gateway
            .as_ref()
            .ok_or_else(|| missing_section("gateway"))
    }

    /// The worker's section.
    ///
    /// # Errors
    /// When the file has none: it can't be left to defaults, since it names the worker's region.
    pub fn worker(&self) -> Result<&WorkerConfig, ConfigError> {
        self.worker
            .as_ref()
            .ok_or_else(|| missing_section("worker"))
    }

    /// One region's section.
    ///
    /// # Errors
    /// When the region isn't configured.
    pub fn region(&self, id: &RegionId) -> Result<&RegionConfig, ConfigError> {
        self.regions.get(id).ok_or_else(|| {
            ConfigError::key(format!("regions.{id}"), "is missing: configure the region")
        })
    }
}

fn missing_section(name: &str) -> ConfigError {
    ConfigError::key(
        format!("{name}.region"),
        format!("is missing: add a section [{name}]"),
    )
}

#[cfg(test)]
mod tests;
