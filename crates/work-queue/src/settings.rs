//! How to reach RabbitMQ, checked once, before anything is started.

use std::time::Duration;

use lapin::uri::AMQPUri;
use secrecy::{ExposeSecret, SecretString};

use crate::topology::Topology;

/// What a process says about its RabbitMQ connection. The URL is a secret and never printed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `amqp://user:password@host:port/vhost`.
    pub url: SecretString,
    /// First part of every queue name.
    pub queue_prefix: String,
    /// Longest silence of the server before the connection counts as dead; whole seconds, 1 to 65535.
    pub heartbeat: Duration,
    /// Shown by RabbitMQ's own tools, so that an operator sees whose connection it is.
    pub connection_name: String,
}

/// Settings that no connection can be made with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// Says nothing of the text itself, which holds a password.
    #[error("the RabbitMQ URL is not of the form amqp://user:password@host:port/vhost")]
    Url,
    /// AMQP counts heartbeats in whole seconds, in 16 bits.
    #[error("the RabbitMQ heartbeat must be a whole number of seconds from 1 to 65535")]
    Heartbeat,
    /// AMQP names hold 255 bytes, and the region's name has to fit in as well.
    #[error("the queue prefix must have 1 to {longest} bytes")]
    Prefix {
        /// The most bytes it may have.
        longest: usize,
    },
}

impl Settings {
    /// How long one attempt to connect may take. Shorter than the shortest sensible heartbeat of a
    /// broker under load would make a slow broker unreachable; longer only delays the next attempt.
    pub(crate) const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

    pub(crate) fn uri(&self) -> Result<AMQPUri, InvalidSettings> {
        let mut uri: AMQPUri = self
            .url
            .expose_secret()
            .parse()
            .map_err(|_| InvalidSettings::Url)?;
        uri.query.heartbeat = Some(self.heartbeat_seconds()?);
        uri.query.connection_timeout =
            Some(u64::try_from(Self::CONNECT_DEADLINE.as_millis()).unwrap_or(u64::MAX));
        Ok(uri)
    }

    pub(crate) fn topology(&self) -> Result<Topology, InvalidSettings> {
        Topology::new(&self.queue_prefix)
    }

    fn heartbeat_seconds(&self) -> Result<u16, InvalidSettings> {
        u16::try_from(self.heartbeat.as_secs())
            .ok()
            .filter(|seconds| *seconds > 0 && self.heartbeat.subsec_nanos() == 0)
            .ok_or(InvalidSettings::Heartbeat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str, heartbeat: Duration) -> Settings {
        Settings {
            url: url.to_owned().into(),
            queue_prefix: "copy".to_owned(),
            heartbeat,
            connection_name: "test".to_owned(),
        }
    }

    #[test]
    fn the_heartbeat_reaches_the_uri() {
        let uri = settings("amqp://u:p@localhost:5673/%2f", Duration::from_secs(7))
            .uri()
            .expect("valid");
        assert_eq!(uri.query.heartbeat, Some(7));
        assert_eq!((uri.vhost.as_str(), uri.authority.port), ("/", 5673));
    }

    #[test]
    fn what_cannot_work_is_refused_without_showing_the_url() {
        let second = Duration::from_secs(1);
        let refused = settings("http://u:hunter2@host", second);
        let error = refused.uri().expect_err("not amqp");
        assert_eq!(error, InvalidSettings::Url);
        assert!(!format!("{error} {error:?} {refused:?}").contains("hunter2"));
        for heartbeat in [
            Duration::ZERO,
            Duration::from_millis(1500),
            Duration::from_secs(70_000),
        ] {
            let refused = settings("amqp://localhost", heartbeat).uri();
            assert_eq!(refused, Err(InvalidSettings::Heartbeat));
        }
    }
}
