//! A TCP proxy that breaks connections on command: what lies between two parts of a test bed when a test wants the
//! way between them to fail, and not the parts.
//!
//! It runs in the test's own process, so that a command takes effect at once. What it does with connections is one
//! [`Behaviour`] at a time, for those that are open and those to come.

mod connection;
mod traffic;

use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

pub use traffic::Traffic;

use traffic::Counters;

/// Kept small, so that what is slow or held here is soon felt by the sender instead of lying in a buffer.
const BUFFER: u32 = 128 * 1024;

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// They are passed on.
    Pass,
    /// They are reset (RST), new ones as soon as they are there.
    Reset,
    /// They stay open, or are taken, and no byte moves either way. What was sent meanwhile arrives afterwards.
    BlackHole,
    /// Each passes so many bytes a second in each direction.
    Slow {
        /// Bytes a second.
        bytes_per_second: u64,
    },
    /// Each is reset when it has passed so many more bytes in one direction.
    Cut {
        /// Bytes.
        after: u64,
    },
    /// Each stays open and passes so many more bytes in each direction. The rest arrives afterwards.
    Hold {
        /// Bytes.
        after: u64,
    },
}

/// A listener before one upstream; ends with this value, and its connections with it.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    behaviour: watch::Sender<Behaviour>,
    counters: Arc<Counters>,
    accepting: AbortHandle,
}

impl FaultProxy {
    /// Listens on a free loopback port and passes connections on to the loopback port `upstream`, which need not be
    /// there yet: a connection that finds nobody is reset.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub fn listen(upstream: u16) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(BUFFER)?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(1024)?;
        let port = listener.local_addr()?.port();
        let (behaviour, commands) = watch::channel(Behaviour::Pass);
        let counters = Arc::new(Counters::default());
        let accepting = tokio::spawn(accept(listener, upstream, commands, Arc::clone(&counters)));
        Ok(Self {
            port,
            behaviour,
            counters,
            accepting: accepting.abort_handle(),
        })
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes what happens to connections, also to those that are open.
    pub fn set(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// What has passed so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.counters.read()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    upstream: u16,
    commands: watch::Receiver<Behaviour>,
    counters: Arc<Counters>,
) {
    // Connections end with the listener, for they are in its task's set.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that went away before it was accepted is nobody's any more.
                if let Ok((client, _)) = accepted {
                    let (commands, counters) = (commands.clone(), Arc::clone(&counters));
                    connections.spawn(connection::relay(client, upstream, commands, counters));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

#[cfg(test)]
mod tests;
