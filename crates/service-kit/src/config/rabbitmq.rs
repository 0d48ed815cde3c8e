//! Section `[rabbitmq]`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::{ConfigError, HostPort, duration, secret};

/// The message queue.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RabbitmqConfig {
    #[serde(deserialize_with = "secret::parse_optional")]
    pub(super) url: Option<SecretString>,
    pub(super) url_file: Option<PathBuf>,
    /// The brokers of a cluster, in the order in which they are tried; none: the URL says where the broker is.
    pub servers: Vec<HostPort>,
    pub(super) ca_file: Option<PathBuf>,
    /// A region's queue is `<prefix>.<destination region>`.
    pub queue_prefix: String,
    /// AMQP heartbeat; a broker that is silent for two of them is taken for dead.
    #[serde(deserialize_with = "duration::parse")]
    pub heartbeat: Duration,
}

impl RabbitmqConfig {
    /// All defaults, but for the broker's URL.
    #[must_use]
    pub fn at(url: SecretString) -> Self {
        Self {
            url: Some(url),
            ..Self::default()
        }
    }

    /// The broker's URL with its credentials; a file is read anew at each call.
    ///
    /// # Errors
    /// [`ConfigError`] when it is set twice, is no URL, or its file can't be read.
    pub fn url(&self) -> Result<SecretString, ConfigError> {
        if self.url.is_none() && self.url_file.is_none() {
            return Ok(SecretString::from("amqp://127.0.0.1:5672/%2f"));
        }
        let url = secret::resolve("rabbitmq.url", &self.url, &self.url_file)?;
        secret::as_url("rabbitmq.url", url)
    }

    /// In PEM, who signs the brokers' certificates, beside the authorities of the system; the file is read anew at each call.
    ///
    /// # Errors
    /// [`ConfigError`] when the file can't be read.
    pub fn authorities(&self) -> Result<Option<String>, ConfigError> {
        secret::authorities("rabbitmq.ca_file", &self.ca_file)
    }
}

impl Default for RabbitmqConfig {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            servers: Vec::new(),
            ca_file: None,
            queue_prefix: "copy".to_owned(),
            heartbeat: Duration::from_secs(10),
        }
    }
}
