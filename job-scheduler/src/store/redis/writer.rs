//! How a script that writes is run: at once, or so that its answer counts only when replicas have what it wrote.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{FromRedisValue, ScriptInvocation};

use super::RedisStore;
use super::connection::Connection;
use crate::store::StoreError;

/// How long a write waits for its replicas' acknowledgements.
const PATIENCE: Duration = Duration::from_secs(1);
/// That nobody has looked yet.
const UNKNOWN: u64 = u64::MAX;

/// How many replicas a promise waits for.
#[derive(Debug)]
pub(super) enum Awaited {
    /// As many as the operator says.
    Configured(u64),
    /// As many as have ever been seen connected at once: fewer must not lower the promise without a word.
    Seen(AtomicU64),
}

/// The way in which a script that writes is run.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) connection: &'a Connection,
    /// How many replicas must have what it writes.
    pub(super) replicas: u64,
}

// === impl Awaited ===

impl Awaited {
    pub(super) const fn new(configured: Option<u64>) -> Self {
        match configured {
            Some(replicas) => Self::Configured(replicas),
            None => Self::Seen(AtomicU64::new(UNKNOWN)),
        }
    }

    /// How many; none: nobody has looked yet.
    pub(super) fn replicas(&self) -> Option<u64> {
        match self {
            Self::Configured(replicas) => Some(*replicas),
            Self::Seen(most) => Some(most.load(Ordering::Relaxed)).filter(|it| *it != UNKNOWN),
        }
    }

    /// So many are connected.
    pub(super) fn saw(&self, replicas: u64) {
        if let Self::Seen(most) = self {
            let _ = most.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| {
                (before == UNKNOWN || before < replicas).then_some(replicas)
            });
        }
    }
}

// === impl Writer ===

impl Writer<'_> {
    /// Runs a script.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        if self.replicas == 0 {
            return self.connection.script(invocation).await;
        }
        let answer = self
            .connection
            .script_then_wait(invocation, self.replicas, PATIENCE);
        answer.await
    }
}

impl RedisStore {
    /// The writer of what must not be lost. How many replicas it waits for is known before the first write.
    pub(super) async fn durable(&self) -> Result<Writer<'_>, StoreError> {
        let replicas = match self.awaited.replicas() {
            Some(replicas) => replicas,
            None => self.check_durability().await?.awaited,
        };
        Ok(Writer {
            connection: &self.durable,
            replicas,
        })
    }

    /// The writer of what may be lost with a crash, for it is written again.
    pub(super) fn plain(&self) -> Writer<'_> {
        Writer {
            connection: &self.connection,
            replicas: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_replicas_ever_seen_are_waited_for_unless_the_operator_says_how_many() {
        let seen = Awaited::new(None);
        assert_eq!(seen.replicas(), None);
        for (replicas, awaited) in [(0, 0), (2, 2), (1, 2), (0, 2)] {
            seen.saw(replicas);
            assert_eq!(seen.replicas(), Some(awaited));
        }
        let configured = Awaited::new(Some(1));
        configured.saw(2);
        assert_eq!(configured.replicas(), Some(1));
    }
}
