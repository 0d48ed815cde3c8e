//! What has passed through a proxy, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since a proxy began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections that came.
    pub opened: u64,
    /// Connections that are open.
    pub open: u64,
    /// Connections that the proxy itself has broken.
    pub broken: u64,
    /// Bytes passed on to the upstream.
    pub to_upstream: u64,
    /// Bytes passed on to clients.
    pub to_client: u64,
}

impl Traffic {
    /// Bytes passed on in both directions.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.to_upstream + self.to_client
    }
}

/// The counters behind it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) opened: AtomicU64,
    pub(super) closed: AtomicU64,
    pub(super) broken: AtomicU64,
    pub(super) to_upstream: AtomicU64,
    pub(super) to_client: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> Traffic {
        // Closed first: a connection that opens in between must not make more closed than opened.
        let closed = self.closed.load(Ordering::SeqCst);
        let opened = self.opened.load(Ordering::SeqCst);
        Traffic {
            opened,
            open: opened.saturating_sub(closed),
            broken: self.broken.load(Ordering::SeqCst),
            to_upstream: self.to_upstream.load(Ordering::SeqCst),
            to_client: self.to_client.load(Ordering::SeqCst),
        }
    }
}
