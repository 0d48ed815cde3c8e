//! How to reach RabbitMQ: checked before anything is started, and read anew for each connection, so that credentials and
//! certificates that were rotated are taken up.

use std::time::Duration;

use lapin::uri::{AMQPScheme, AMQPUri};
use rustls::ClientConfig;
use secrecy::ExposeSecret;
use service_kit::config::RabbitmqConfig;
use service_kit::tls::{self, UnusableAuthorities};

use crate::topology::Topology;

/// What a process says about its RabbitMQ connection. The URL is a secret and never printed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the brokers are, who we are to them, and how the queues are called.
    pub rabbitmq: RabbitmqConfig,
    /// Shown by RabbitMQ's own tools, so that an operator sees whose connection it is.
    pub connection_name: String,
}

/// Settings that no connection can be made with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// Says nothing of the text itself, which holds a password.
    #[error(
        "the RabbitMQ URL is not of the form amqp://user:password@host:port/vhost or amqps://…"
    )]
    Url,
    /// A file that the configuration names; the text names it.
    #[error("{0}")]
    File(String),
    /// Who signs the brokers' certificates can't be known.
    #[error("rabbitmq.ca_file {0}")]
    Authorities(#[from] UnusableAuthorities),
    /// Whom to trust is said where there is no TLS.
    #[error(
        "rabbitmq.ca_file means nothing without TLS: begin the URL with amqps://, or remove it"
    )]
    NoTls,
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

/// The brokers of one cluster, to be tried in this order, and whom to trust.
pub(crate) struct Brokers {
    pub(crate) uris: Vec<AMQPUri>,
    /// None: there is no TLS.
    pub(crate) tls: Option<ClientConfig>,
}

impl Settings {
    /// How long one attempt to connect may take. Shorter than the shortest sensible heartbeat of a
    /// broker under load would make a slow broker unreachable; longer only delays the next attempt.
    pub(crate) const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

    /// Reads them.
    pub(crate) fn brokers(&self) -> Result<Brokers, InvalidSettings> {
        let file =
            |error: service_kit::config::ConfigError| InvalidSettings::File(error.to_string());
        let url = self.rabbitmq.url().map_err(file)?;
        let mut uri: AMQPUri = url
            .expose_secret()
            .parse()
            .map_err(|_| InvalidSettings::Url)?;
        uri.query.heartbeat = Some(self.heartbeat_seconds()?);
        uri.query.connection_timeout =
            Some(u64::try_from(Self::CONNECT_DEADLINE.as_millis()).unwrap_or(u64::MAX));
        let servers = self.rabbitmq.servers.iter().map(|server| {
            let mut uri = uri.clone();
            uri.authority.host.clone_from(&server.host);
            uri.authority.port = server.port;
            uri
        });
        let mut uris: Vec<AMQPUri> = servers.collect();
        if uris.is_empty() {
            uris.push(uri);
        }
        let authorities = self.rabbitmq.authorities().map_err(file)?;
        let tls = match uris[0].scheme {
            AMQPScheme::AMQPS => Some(tls::client(authorities.as_deref())?),
            AMQPScheme::AMQP if authorities.is_some() => return Err(InvalidSettings::NoTls),
            AMQPScheme::AMQP => None,
        };
        Ok(Brokers { uris, tls })
    }

    pub(crate) fn topology(&self) -> Result<Topology, InvalidSettings> {
        Topology::new(&self.rabbitmq.queue_prefix)
    }

    fn heartbeat_seconds(&self) -> Result<u16, InvalidSettings> {
        let heartbeat = self.rabbitmq.heartbeat;
        u16::try_from(heartbeat.as_secs())
            .ok()
            .filter(|seconds| *seconds > 0 && heartbeat.subsec_nanos() == 0)
            .ok_or(InvalidSettings::Heartbeat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str, heartbeat: Duration) -> Settings {
        let mut rabbitmq = RabbitmqConfig::at(url.to_owned().into());
        rabbitmq.heartbeat = heartbeat;
        Settings {
            rabbitmq,
            connection_name: "test".to_owned(),
        }
    }

    #[test]
    fn the_heartbeat_reaches_the_uri() {
        let settings = settings("amqp://u:p@localhost:5673/%2f", Duration::from_secs(7));
        let brokers = settings.brokers().expect("valid");
        let uri = &brokers.uris[0];
        assert_eq!(uri.query.heartbeat, Some(7));
        assert_eq!((uri.vhost.as_str(), uri.authority.port), ("/", 5673));
    }

    #[test]
    fn each_server_is_reached_as_the_url_says_otherwise() {
        let mut settings = settings("amqps://u:p@anywhere/jobs", Duration::from_secs(7));
        settings.rabbitmq.servers = ["a:5671", "[::1]:5672"]
            .map(|server| server.parse().expect("an address"))
            .to_vec();
        let brokers = settings.brokers().expect("valid");
        let shown: Vec<_> = brokers
            .uris
            .iter()
            .map(|uri| {
                let (host, port) = (uri.authority.host.as_str(), uri.authority.port);
                let user = uri.authority.userinfo.username.as_str();
                (uri.scheme.to_string(), user, host, port, uri.vhost.as_str())
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("amqps".to_owned(), "u", "a", 5671, "jobs"),
                ("amqps".to_owned(), "u", "::1", 5672, "jobs")
            ]
        );
    }

    #[test]
    fn what_cannot_work_is_refused_without_showing_the_url() {
        let second = Duration::from_secs(1);
        let refused = settings("http://u:hunter2@host", second);
        let error = refused.brokers().map(|_| ()).expect_err("not amqp");
        assert_eq!(error, InvalidSettings::Url);
        assert!(!format!("{error} {error:?} {refused:?}").contains("hunter2"));
        for heartbeat in [
            Duration::ZERO,
            Duration::from_millis(1500),
            Duration::from_secs(70_000),
        ] {
            let refused = settings("amqp://localhost", heartbeat).brokers();
            assert_eq!(refused.map(|_| ()), Err(InvalidSettings::Heartbeat));
        }
    }
}
