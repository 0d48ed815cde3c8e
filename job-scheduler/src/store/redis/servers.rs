//! Where Redis' master is: at a fixed address, or where the Sentinels say.
//!
//! With Sentinels every new connection asks them anew and leads to a server that one of them calls the master, that calls
//! itself so, and that is not thought to be down. A master that was replaced without knowing it may still be named by
//! a Sentinel that was cut off: what is written there reaches no replica, so nothing that waits for one counts.

use std::sync::Arc;

use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisResult};
use secrecy::{ExposeSecret, SecretString};
use service_kit::config::HostPort;
use tokio::sync::watch;

/// The way to the master. Cheap to clone.
#[derive(Clone)]
pub struct Servers(Arc<Known>);

struct Known {
    route: Route,
    /// Where the last connection led.
    master: watch::Sender<Option<ConnectionAddr>>,
}

enum Route {
    Fixed(Client),
    Sentinels {
        sentinels: Sentinels,
        /// Who we are to the master.
        login: RedisConnectionInfo,
    },
}

/// The Sentinels of one master.
#[derive(Debug, Clone)]
pub struct Sentinels {
    /// Where they are.
    pub addresses: Vec<HostPort>,
    /// What they call the master.
    pub master: String,
    /// Who we are to them.
    pub username: Option<String>,
    /// And the password for that.
    pub password: Option<SecretString>,
}

/// A URL that no client can be made of. Says nothing of the URL, which holds a password.
#[derive(Debug, thiserror::Error)]
#[error("redis.url is not of the form redis://user:password@host:port/database")]
pub struct UnusableUrl;

// === impl Servers ===

impl Servers {
    /// One server.
    ///
    /// # Errors
    /// [`UnusableUrl`].
    pub fn fixed(url: &SecretString) -> Result<Self, UnusableUrl> {
        let client = Client::open(url.expose_secret()).map_err(|_| UnusableUrl)?;
        Ok(Self::of(Route::Fixed(client)))
    }

    /// The master that Sentinels know; of the URL only user, password and database count.
    ///
    /// # Errors
    /// [`UnusableUrl`].
    pub fn by_sentinels(url: &SecretString, sentinels: Sentinels) -> Result<Self, UnusableUrl> {
        let info = url.expose_secret().into_connection_info();
        let login = info.map_err(|_| UnusableUrl)?.redis_settings().clone();
        Ok(Self::of(Route::Sentinels { sentinels, login }))
    }

    fn of(route: Route) -> Self {
        Self(Arc::new(Known {
            route,
            master: watch::Sender::new(None),
        }))
    }

    /// The master as it is now.
    pub(super) async fn master(&self) -> RedisResult<Client> {
        let client = match &self.0.route {
            Route::Fixed(client) => client.clone(),
            Route::Sentinels { sentinels, login } => sentinels.ask(login).await?,
        };
        let client = prompt(&client)?;
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
}

/// The same, but commands are sent as they are made: many share a connection, and a kernel would wait with each until
/// the one before is acknowledged.
fn prompt(client: &Client) -> RedisResult<Client> {
    let info = client.get_connection_info().clone();
    let settings = info.tcp_settings().clone().set_nodelay(true);
    Client::open(info.set_tcp_settings(settings))
}

// === impl Sentinels ===

impl Sentinels {
    async fn ask(&self, login: &RedisConnectionInfo) -> RedisResult<Client> {
        let addresses = self.addresses.iter();
        let addresses = addresses.map(|it| ConnectionAddr::Tcp(it.host.clone(), it.port));
        let kind = SentinelServerType::Master;
        let mut builder = SentinelClientBuilder::new(addresses, &self.master, kind)?
            .set_client_to_redis_db(login.db())
            .set_client_to_redis_protocol(login.protocol());
        if let Some(username) = login.username() {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = login.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(username) = &self.username {
            builder = builder.set_client_to_sentinel_username(username);
        }
        if let Some(password) = &self.password {
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
