//! Section `[redis]`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
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
    pub(super) ca_file: Option<PathBuf>,
    /// The Sentinels, which know where the master is; none: the URL says where Redis is.
    pub sentinels: Vec<HostPort>,
    /// What the Sentinels call the master.
    pub sentinel_master: String,
    /// The user that the Sentinels know; none: their default user.
    pub sentinel_username: Option<String>,
    #[serde(deserialize_with = "secret::parse_optional")]
    pub(super) sentinel_password: Option<SecretString>,
    pub(super) sentinel_password_file: Option<PathBuf>,
    /// How many replicas must have what was accepted before the caller hears of it; none: as many as have been seen.
    pub wait_for_replicas: Option<u64>,
    /// Begins every key, so that several deployments can share a server.
    pub key_prefix: String,
    /// How long a command may take.
    #[serde(deserialize_with = "duration::parse")]
    pub response_timeout: Duration,
}

/// Where a server listens: `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostPort {
    /// A name, or an address; of version 6 in brackets where it is written, without them here.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

/// A text that is no `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not of the form host:port")]
pub struct NotHostPort(String);

// === impl RedisConfig ===

impl RedisConfig {
    /// All defaults, but for the server's URL.
    #[must_use]
    pub fn at(url: SecretString) -> Self {
        Self {
            url: Some(url),
            ..Self::default()
        }
    }

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

    /// In PEM, who signs the servers' and the Sentinels' certificates, instead of the authorities of the system; the file is
    /// read anew at each call.
    ///
    /// # Errors
    /// [`ConfigError`] when the file can't be read.
    pub fn authorities(&self) -> Result<Option<String>, ConfigError> {
        secret::authorities("redis.ca_file", &self.ca_file)
    }

    /// The password that the Sentinels ask for; none: they ask for none.
    ///
    /// # Errors
    /// [`ConfigError`] when its file can't be read.
    pub fn sentinel_password(&self) -> Result<Option<SecretString>, ConfigError> {
        let (value, file) = (&self.sentinel_password, &self.sentinel_password_file);
        if value.is_none() && file.is_none() {
            return Ok(None);
        }
        secret::resolve("redis.sentinel_password", value, file).map(Some)
    }
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            ca_file: None,
            sentinels: Vec::new(),
            sentinel_master: "mymaster".to_owned(),
            sentinel_username: None,
            sentinel_password: None,
            sentinel_password_file: None,
            wait_for_replicas: None,
            key_prefix: "image-replicator".to_owned(),
            response_timeout: Duration::from_secs(5),
        }
    }
}

// === impl HostPort ===

impl FromStr for HostPort {
    type Err = NotHostPort;

    fn from_str(text: &str) -> Result<Self, NotHostPort> {
        let parsed = || {
            let (host, port) = text.rsplit_once(':')?;
            let bracketed = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
            let is_ambiguous = bracketed.is_none() && host.contains([':', '/', '@', ' ']);
            let host = bracketed.unwrap_or(host).to_owned();
            let port = port.parse().ok()?;
            (!host.is_empty() && !is_ambiguous).then_some(Self { host, port })
        };
        parsed().ok_or_else(|| NotHostPort(text.to_owned()))
    }
}

impl TryFrom<String> for HostPort {
    type Error = NotHostPort;

    fn try_from(text: String) -> Result<Self, NotHostPort> {
        text.parse()
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_by_host_and_port() {
        for text in ["redis-0.redis:26379", "10.0.0.1:1", "[::1]:26379"] {
            let parsed: HostPort = text.parse().expect(text);
            assert_eq!(parsed.to_string(), text);
        }
        for text in [
            "",
            ":1",
            "redis",
            "redis:x",
            "::1:26379",
            "redis://a:1",
            "a:65536",
        ] {
            assert!(text.parse::<HostPort>().is_err(), "{text}");
        }
    }
}
