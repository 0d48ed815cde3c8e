//! Where Redis' master is: at a fixed address, or where the Sentinels say.
//!
//! With Sentinels every new connection asks them anew and leads to a server that one of them calls the master, that calls
//! itself so, and that is not thought to be down. A master that was replaced without knowing it may still be named by
//! a Sentinel that was cut off: what is written there reaches no replica, so nothing that waits for one counts.
//!
//! Credentials and certificates are read anew for each connection as well, so that those that were rotated are taken up.

use std::sync::Arc;

use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError, RedisResult,
    TlsCertificates, TlsMode,
};
use secrecy::{ExposeSecret, SecretString};
use service_kit::config::{ConfigError, RedisConfig};
use tokio::sync::watch;

/// The way to the master. Cheap to clone.
#[derive(Clone)]
pub struct Servers(Arc<Known>);

struct Known {
    config: RedisConfig,
    /// Where the last connection led.
    master: watch::Sender<Option<ConnectionAddr>>,
}

/// What no client can be made of.
#[derive(Debug, thiserror::Error)]
pub enum UnusableServers {
    /// Says nothing of the URL, which holds a password.
    #[error("redis.url is not of the form redis://user:password@host:port/database or rediss://…")]
    Url,
    /// Whom to trust is said where there is no TLS.
    #[error(
        "redis.ca_file means nothing without TLS: begin redis.url with rediss://, or remove it"
    )]
    NoTls,
    /// What the configuration names can't be read, or is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Who we are to Redis, and whom we trust.
struct Login {
    info: ConnectionInfo,
    /// None: there is no TLS.
    tls: Option<TlsCertificates>,
}

// === impl Servers ===

impl Servers {
    /// Those that the configuration names.
    ///
    /// # Errors
    /// [`UnusableServers`].
    pub fn of(config: &RedisConfig) -> Result<Self, UnusableServers> {
        Login::read(config)?;
        config.sentinel_password()?;
        Ok(Self(Arc::new(Known {
            config: config.clone(),
            master: watch::Sender::new(None),
        })))
    }

    /// One server.
    ///
    /// # Errors
    /// [`UnusableServers`].
    pub fn fixed(url: &SecretString) -> Result<Self, UnusableServers> {
        Self::of(&RedisConfig::at(url.clone()))
    }

    /// The master as it is now.
    pub(super) async fn master(&self) -> RedisResult<Client> {
        let client = prompt(&self.client().await?)?;
        let address = client.get_connection_info().addr();
        self.0.master.send_if_modified(|known| {
            let moved = known.as_ref() != Some(address);
            if moved && known.is_some() {
                tracing::warn!(server.address = %address, "redis has another master");
            }
            *known = Some(address.clone());
            moved
        });
        Ok(client)
    }

    /// Hears of it when a connection leads to another server than the one before.
    pub(super) fn moves(&self) -> watch::Receiver<Option<ConnectionAddr>> {
        self.0.master.subscribe()
    }

    async fn client(&self) -> RedisResult<Client> {
        let config = &self.0.config;
        let login = Login::read(config).map_err(unusable)?;
        if !config.sentinels.is_empty() {
            let password = config
                .sentinel_password()
                .map_err(|error| unusable(error.into()))?;
            return login.ask(config, password).await;
        }
        match login.tls {
            Some(certificates) => Client::build_with_tls(login.info, certificates),
            None => Client::open(login.info),
        }
    }
}

/// The same, but commands are sent as they are made: many share a connection, and a kernel would wait with each until
/// the one before is acknowledged.
fn prompt(client: &Client) -> RedisResult<Client> {
    let info = client.get_connection_info().clone();
    let settings = info.tcp_settings().clone().set_nodelay(true);
    Client::open(info.set_tcp_settings(settings))
}

/// What was changed since the start cannot be used.
fn unusable(error: UnusableServers) -> RedisError {
    let kind = ErrorKind::InvalidClientConfig;
    (kind, "the configuration", error.to_string()).into()
}

// === impl Login ===

impl Login {
    fn read(config: &RedisConfig) -> Result<Self, UnusableServers> {
        let url = config.url()?;
        let info = url.expose_secret().into_connection_info();
        let info = info.map_err(|_| UnusableServers::Url)?;
        let root_cert = config.authorities()?.map(String::into_bytes);
        let is_encrypted = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        if root_cert.is_some() && !is_encrypted {
            return Err(UnusableServers::NoTls);
        }
        let tls = is_encrypted.then_some(TlsCertificates {
            client_tls: None,
            root_cert,
        });
        Ok(Self { info, tls })
    }

    /// The master that the Sentinels know; they are spoken to as it is, with TLS or without.
    async fn ask(
        self,
        config: &RedisConfig,
        password: Option<SecretString>,
    ) -> RedisResult<Client> {
        let is_encrypted = self.tls.is_some();
        let addresses = config.sentinels.iter().map(|it| match is_encrypted {
            true => ConnectionAddr::TcpTls {
                host: it.host.clone(),
                port: it.port,
                insecure: false,
                tls_params: None,
            },
            false => ConnectionAddr::Tcp(it.host.clone(), it.port),
        });
        let to_master = self.info.redis_settings();
        let kind = SentinelServerType::Master;
        let mut builder = SentinelClientBuilder::new(addresses, &config.sentinel_master, kind)?
            .set_client_to_redis_db(to_master.db())
            .set_client_to_redis_protocol(to_master.protocol());
        if let Some(certificates) = self.tls {
            builder = builder
                .set_client_to_sentinel_certificates(certificates.clone())
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_redis_certificates(certificates);
        }
        if let Some(username) = to_master.username() {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = to_master.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(username) = &config.sentinel_username {
            builder = builder.set_client_to_sentinel_username(username);
        }
        if let Some(password) = password {
            builder = builder.set_client_to_sentinel_password(password.expose_secret());
        }
        builder.build()?.async_get_client().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn commands_are_not_held_back() {
        let url = SecretString::from("redis://user:word@127.0.0.1:6379/3");
        let servers = Servers::fixed(&url).expect("a URL");
        let master = servers.master().await.expect("it is not connected to");
        let info = master.get_connection_info();
        assert!(info.tcp_settings().nodelay());
        assert_eq!(info.redis_settings().db(), 3);
    }
}
