//! How long this worker may start Glance writes for a unit.
//!
//! The lease is counted on this process's monotonic clock from before the claim or the renewing
//! report was *sent*, so it always ends here before it ends at the scheduler. Invariant: no write is
//! permitted after that moment until a renewal is confirmed, and none ever after the unit was taken
//! over. A lapsed lease is not a lost one: the old token still renews while nobody has taken over.

use std::time::Duration;

use copy_engine::{Withheld, WriteGate};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::Instant;

/// The lease of one unit.
#[derive(Debug)]
pub(crate) struct Lease {
    length: Duration,
    standing: watch::Sender<Standing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    ValidUntil(Instant),
    Superseded,
}

impl Lease {
    /// A lease of `length` that was asked for at `asked_at`.
    pub(crate) fn new(asked_at: Instant, length: Duration) -> Self {
        Self {
            length,
            standing: watch::Sender::new(Standing::ValidUntil(asked_at + length)),
        }
    }

    pub(crate) const fn length(&self) -> Duration {
        self.length
    }

    /// The scheduler has committed a report that was sent at `sent_at`.
    pub(crate) fn renew(&self, sent_at: Instant) {
        let renewed = sent_at + self.length;
        self.standing.send_if_modified(|standing| match standing {
            Standing::ValidUntil(until) if *until < renewed => {
                *until = renewed;
                true
            }
            Standing::ValidUntil(_) | Standing::Superseded => false,
        });
    }

    /// Another attempt answers for the unit. There is no way back.
    pub(crate) fn supersede(&self) {
        self.standing.send_replace(Standing::Superseded);
    }

    pub(crate) fn is_superseded(&self) -> bool {
        *self.standing.borrow() == Standing::Superseded
    }

    async fn until_valid(&self) -> Result<(), Withheld> {
        let mut standing = self.standing.subscribe();
        let permits = |standing: &Standing| match standing {
            Standing::ValidUntil(until) => Instant::now() < *until,
            Standing::Superseded => true,
        };
        // The sender is `self`'s own, so waiting cannot fail while `self` is borrowed.
        match standing.wait_for(permits).await.map(|standing| *standing) {
            Ok(Standing::ValidUntil(_)) => Ok(()),
            Ok(Standing::Superseded) | Err(_) => Err(Withheld),
        }
    }
}

impl WriteGate for Lease {
    fn permit(&self) -> BoxFuture<'_, Result<(), Withheld>> {
        self.until_valid().boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::{advance, timeout};

    use super::*;

    const LENGTH: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn writes_are_permitted_while_the_lease_runs() {
        let lease = Lease::new(Instant::now(), LENGTH);
        assert_eq!(lease.permit().await, Ok(()));
        advance(LENGTH - Duration::from_millis(1)).await;
        assert_eq!(lease.permit().await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn after_its_end_a_write_waits_for_a_renewal() {
        let lease = Arc::new(Lease::new(Instant::now(), LENGTH));
        advance(LENGTH).await;
        assert!(timeout(LENGTH * 10, lease.permit()).await.is_err());

        let waiting = tokio::spawn({
            let lease = lease.clone();
            async move { lease.permit().await }
        });
        // A confirmation of a report from long ago renews nothing.
        lease.renew(Instant::now() - LENGTH);
        assert!(timeout(LENGTH, lease.permit()).await.is_err());
        lease.renew(Instant::now());
        assert_eq!(waiting.await.expect("no panic"), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_is_counted_from_when_the_report_was_sent() {
        let lease = Lease::new(Instant::now(), LENGTH);
        advance(LENGTH / 2).await;
        let sent_at = Instant::now();
        advance(LENGTH).await;
        lease.renew(sent_at);
        assert!(
            timeout(Duration::from_secs(1), lease.permit())
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_superseded_lease_refuses_for_ever() {
        let lease = Lease::new(Instant::now(), LENGTH);
        lease.supersede();
        lease.renew(Instant::now());
        assert_eq!(lease.permit().await, Err(Withheld));
        assert!(lease.is_superseded());
    }
}
