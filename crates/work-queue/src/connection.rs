//! The process's one connection to RabbitMQ, rebuilt for as long as the process lives.
//!
//! lapin's own recovery is not used: when its retries are used up it neither fails nor goes on, and
//! while it recovers, confirmations hang. Here a broken connection fails everything on it at once,
//! and this supervisor makes a new one with jittered backoff that never gives up. Roles open their
//! channels through [`Link`] and declare what they need, so a broker that lost its state is repaired.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, Event};
use rustls::ClientConfig;
use service_kit::Backoff;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::encryption;
use crate::error::QueueError;
use crate::settings::Settings;

const FIRST_DELAY: Duration = Duration::from_millis(250);
/// A broker that is back waits at most this long for its clients.
const LONGEST_DELAY: Duration = Duration::from_secs(10);
/// The event stream tells of a broken connection at once; this look at the status is for a
/// connection that ended without an event.
const STATUS_CHECK: Duration = Duration::from_secs(1);

/// How long a publisher or a question waits for a connection. Short: a caller of the gateway may be
/// waiting, and what is not published now is published later.
const CONNECTION_WAIT: Duration = Duration::from_millis(500);

type Current = Option<Arc<Connection>>;

/// Makes connections, one after the other, and hands the current one to all [`Link`]s.
pub(crate) struct Supervisor {
    settings: Settings,
    properties: ConnectionProperties,
    current: watch::Sender<Current>,
}

/// A role's way to the current connection, whichever it is.
#[derive(Clone)]
pub(crate) struct Link {
    current: watch::Receiver<Current>,
}

/// A supervisor that is yet to be run, and the link to its connections.
pub(crate) fn supervised(settings: &Settings) -> (Supervisor, Link) {
    let (sender, receiver) = watch::channel(None);
    let properties = ConnectionProperties::default()
        .with_connection_name(settings.connection_name.clone().into());
    let supervisor = Supervisor {
        settings: settings.clone(),
        properties,
        current: sender,
    };
    (supervisor, Link { current: receiver })
}

// === impl Supervisor ===

impl Supervisor {
    /// Keeps a connection up until `shutdown`, then closes it.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        until_no_panic(&shutdown, || self.keep_connected(&shutdown)).await;
    }

    async fn keep_connected(&self, shutdown: &CancellationToken) {
        // A connection of before a panic is nobody's any more.
        self.current.send_replace(None);
        let delays = retry_delays();
        let mut failures: u32 = 0;
        while let Some(connected) = shutdown.run_until_cancelled(self.connect()).await {
            match connected {
                Ok(connection) => {
                    self.serve(connection, shutdown).await;
                    failures = 1;
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    warn!(
                        error.message = error.describe(),
                        connect.failures = failures,
                        "rabbitmq cannot be reached"
                    );
                }
            }
            let delay = delays.delay(failures);
            if shutdown.run_until_cancelled(sleep(delay)).await.is_none() {
                break;
            }
        }
    }

    /// A connection to the first broker that can be reached.
    async fn connect(&self) -> Result<Connection, QueueError> {
        let brokers = self.settings.brokers()?;
        let mut failure = QueueError::NotConnected;
        for uri in brokers.uris {
            let broker = format!("{}:{}", uri.authority.host, uri.authority.port);
            match self.connect_to(uri, brokers.tls.clone()).await {
                Ok(connection) => return Ok(connection),
                Err(error) => {
                    debug!(
                        error.message = error.describe(),
                        server.address = broker,
                        "a broker cannot be reached"
                    );
                    failure = error;
                }
            }
        }
        Err(failure)
    }

    async fn connect_to(
        &self,
        uri: AMQPUri,
        tls: Option<ClientConfig>,
    ) -> Result<Connection, QueueError> {
        let properties = self.properties.clone();
        let connecting = async {
            match tls {
                Some(client) => encryption::connect(uri, properties, client).await,
                None => Connection::connect_uri(uri, properties).await,
            }
        };
        timeout(Settings::CONNECT_DEADLINE, connecting)
            .await
            .map_err(|_| QueueError::NoAnswer(Settings::CONNECT_DEADLINE))?
            .map_err(QueueError::from)
    }

    /// Lends the connection out until it breaks or the process shuts down.
    async fn serve(&self, connection: Connection, shutdown: &CancellationToken) {
        let events = connection.events_listener();
        let connection = Arc::new(connection);
        info!("rabbitmq is connected");
        self.current.send_replace(Some(connection.clone()));
        let broken = shutdown
            .run_until_cancelled(broken(&connection, events))
            .await;
        self.current.send_replace(None);
        if broken.is_some() {
            warn!("the connection to rabbitmq broke");
        } else if let Err(error) = connection.close(200, "shutting down".into()).await {
            debug!(error.message = %error, "the connection to rabbitmq was not closed cleanly");
        }
    }
}

/// Does the work again when it panics, after the longest delay. Without its supervisor a process would
/// look well and never hear of work again.
async fn until_no_panic<F: Future<Output = ()>>(
    shutdown: &CancellationToken,
    work: impl Fn() -> F,
) {
    while AssertUnwindSafe(work()).catch_unwind().await.is_err() {
        error!("the supervisor of the connection to rabbitmq panicked and is started again");
        let pause = sleep(LONGEST_DELAY);
        if shutdown.run_until_cancelled(pause).await.is_none() {
            break;
        }
    }
}

/// Returns when the connection is no use any more.
async fn broken(connection: &Connection, events: impl Stream<Item = Event>) {
    let mut events = std::pin::pin!(events);
    let mut status_check = interval(STATUS_CHECK);
    status_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while connection.status().connected() {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::ConnectionBlocked(reason)) => {
                    warn!(rabbitmq.reason = reason, "rabbitmq takes no messages for now");
                }
                Some(Event::ConnectionUnblocked) => info!("rabbitmq takes messages again"),
                // An error may be a channel's alone: the status in the loop's condition tells.
                Some(_) => {}
                None => return,
            },
            _ = status_check.tick() => {}
        }
    }
}

/// The delays between tries, of connections and of subscriptions alike. They have no end.
pub(crate) fn retry_delays() -> Backoff {
    Backoff::new(FIRST_DELAY, LONGEST_DELAY).expect("zero < first < longest, both constant")
}

// === impl Link ===

impl Link {
    /// Whether there is a connection now, on which the broker takes messages.
    pub(crate) fn takes_messages(&self) -> bool {
        let current = self.current.borrow();
        let status = current.as_ref().map(|connection| connection.status());
        status.is_some_and(|status| !status.blocked())
    }

    /// Opens a channel of one's own, waiting for a connection as long as it takes.
    ///
    /// # Errors
    /// [`QueueError::ShutDown`] when there will be no connection any more, [`QueueError::Broker`] when
    /// the connection broke meanwhile.
    pub(crate) async fn channel(&self) -> Result<Channel, QueueError> {
        let connection = self.connection().await?;
        Ok(connection.create_channel().await?)
    }

    /// Fails fast while RabbitMQ is away, or takes no messages: it would not even read them, nor a question.
    ///
    /// # Errors
    /// [`QueueError::NotConnected`] when no connection came within half a second, [`QueueError::Blocked`],
    /// [`QueueError::ShutDown`] when there will be none any more.
    pub(crate) async fn ensure_connected(&self) -> Result<(), QueueError> {
        let connection = timeout(CONNECTION_WAIT, self.connection())
            .await
            .map_err(|_| QueueError::NotConnected)??;
        if connection.status().blocked() {
            return Err(QueueError::Blocked);
        }
        Ok(())
    }

    async fn connection(&self) -> Result<Arc<Connection>, QueueError> {
        let mut current = self.current.clone();
        let connection = current
            .wait_for(Option::is_some)
            .await
            .map_err(|_| QueueError::ShutDown)?
            .clone();
        connection.ok_or(QueueError::ShutDown)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_supervisor_that_panics_is_started_again() {
        let tries = Cell::new(0);
        let work = || async {
            tries.set(tries.get() + 1);
            assert!(tries.get() > 2, "made up");
        };
        until_no_panic(&CancellationToken::new(), work).await;
        assert_eq!(tries.get(), 3);

        let shutdown = CancellationToken::new();
        shutdown.cancel();
        until_no_panic(&shutdown, || async { panic!("made up") }).await;
    }
}
