//! Section `[redis]`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::{ConfigError, duration, secret};

/// The store. Only the scheduler talks to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    #[serde(deserialize_with = "secret::parse_optional")]
    pub(super) url: Option<SecretString>,
    pub(super) url_file: Option<PathBuf>,
    /// Begins every key, so that several deployments can share a server.
    pub key_prefix: String,
    /// How long a command may take.
    #[serde(deserialize_with = "duration::parse")]
    pub response_timeout: Duration,
}

impl RedisConfig {
    /// The server's URL with its credentials; a file is read anew at each call.
    ///
    /// # Errors
    /// [`ConfigError`] when it is set twice, is no URL, or its file can't be read.
    pub fn url(&self) -> Result<SecretString, ConfigError> {
        if self.url.is_none() && self.url_file.is_none() {
            return Ok(SecretString::from("redis://127.0.0.1:6379/0"));
        }
        let url = secret::resolve("redis.url", &self.url, &self.url_file)?;
        secret::as_url("redis.url", url)
    }
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            key_prefix: "image-replicator".to_owned(),
            response_timeout: Duration::from_secs(5),
        }
    }
}
