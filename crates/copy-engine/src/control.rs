//! What a running unit listens to: cancel, stop, and the gate before each write.
//!
//! Invariant: no request that changes a Glance is sent without the gate's permission, and after
//! `stop` or a refusal nothing at the destination is touched again, not even to clean up.

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

/// The lease is lost for good: another attempt answers for everything, this one touches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another attempt has taken over")]
pub struct Superseded;

/// Says whether a Glance write may be started now.
///
/// Asked before each create, upload, patch and delete. An implementation waits while the answer is
/// open (the lease is due for renewal and the scheduler out of reach) and refuses when the lease is
/// lost. Uploads that run already are not interrupted by a closed gate.
pub trait WriteGate: Send + Sync {
    /// Waits until a write may start.
    ///
    /// # Errors
    /// [`Superseded`] when it never may.
    fn permit(&self) -> BoxFuture<'_, Result<(), Superseded>>;
}

/// The gate of a copy that nobody else can take over, such as one made from a command line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ungated;

impl WriteGate for Ungated {
    fn permit(&self) -> BoxFuture<'_, Result<(), Superseded>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The two ways in which a running unit is ended from outside.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// The caller wants the copy no more: end it and leave nothing at the destination.
    pub cancel: CancellationToken,
    /// Another answers for this unit (or soon will): end it and touch nothing.
    pub stop: CancellationToken,
}

/// Why a step was left before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    Canceled,
    Stopped,
}

/// Gate and signals as the steps see them.
#[derive(Clone, Copy)]
pub(crate) struct Control<'a> {
    gate: &'a dyn WriteGate,
    signals: &'a Signals,
    hears_cancel: bool,
}

// === impl Control ===

impl<'a> Control<'a> {
    pub(crate) fn new(gate: &'a dyn WriteGate, signals: &'a Signals) -> Self {
        Self {
            gate,
            signals,
            hears_cancel: true,
        }
    }

    /// The same for work that a cancel must not end because it is the answer to one.
    pub(crate) fn while_cleaning(self) -> Self {
        Self {
            hears_cancel: false,
            ..self
        }
    }

    /// Waits until this unit is to end.
    pub(crate) async fn interrupted(&self) -> Interrupted {
        tokio::select! {
            biased;
            () = self.signals.stop.cancelled() => Interrupted::Stopped,
            () = self.signals.cancel.cancelled(), if self.hears_cancel => Interrupted::Canceled,
        }
    }

    /// Drives `work` unless the unit is to end first. Only for work that may be dropped half-way:
    /// reads and waits, never a write.
    pub(crate) async fn unless_interrupted<F: Future>(
        &self,
        work: F,
    ) -> Result<F::Output, Interrupted> {
        tokio::select! {
            biased;
            interrupted = self.interrupted() => Err(interrupted),
            output = work => Ok(output),
        }
    }

    /// Waits for the permission to start one write.
    pub(crate) async fn permit(&self) -> Result<(), Interrupted> {
        self.unless_interrupted(self.gate.permit())
            .await?
            .map_err(|Superseded| Interrupted::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stop_wins_over_cancel_and_cleaning_is_deaf_to_cancel() {
        let signals = Signals::default();
        let control = Control::new(&Ungated, &signals);
        assert_eq!(control.permit().await, Ok(()));

        signals.cancel.cancel();
        assert_eq!(control.permit().await, Err(Interrupted::Canceled));
        assert_eq!(control.while_cleaning().permit().await, Ok(()));

        signals.stop.cancel();
        assert_eq!(control.permit().await, Err(Interrupted::Stopped));
        assert_eq!(
            control.while_cleaning().permit().await,
            Err(Interrupted::Stopped)
        );
    }

    struct Refusing;

    impl WriteGate for Refusing {
        fn permit(&self) -> BoxFuture<'_, Result<(), Superseded>> {
            Box::pin(std::future::ready(Err(Superseded)))
        }
    }

    #[tokio::test]
    async fn a_refusal_stops_the_unit() {
        let signals = Signals::default();
        let control = Control::new(&Refusing, &signals);
        assert_eq!(control.permit().await, Err(Interrupted::Stopped));
    }
}
