//! What a running unit listens to: cancel, stop, and the gate before each write.
//!
//! Invariant: no request that changes a Glance is sent without the gate's permission, and after
//! `stop` or a refusal nothing at the destination is touched again, not even to clean up. The steps
//! hand this to the Glance client as the gate of their writes.

use futures::FutureExt;
use futures::future::BoxFuture;
use openstack::{Withheld, WriteGate};
use tokio_util::sync::CancellationToken;

/// The ways in which a running unit is ended from outside, the weakest last.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// The caller wants the copy no more: end it and leave nothing at the destination.
    pub cancel: CancellationToken,
    /// Another answers for this unit (or soon will): end it and touch nothing.
    pub stop: CancellationToken,
    /// There is no time left: end the copy so that another can go on at once.
    pub hand_back: CancellationToken,
}

/// Why a step was left before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    Canceled,
    Stopped,
    HandedBack,
}

/// Which signals still end the work: its own end must not be ended by what it is the answer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heeds {
    All,
    CancelAndStop,
    Stop,
}

/// Gate and signals as the steps see them.
#[derive(Clone, Copy)]
pub(crate) struct Control<'a> {
    gate: &'a dyn WriteGate,
    signals: &'a Signals,
    heeds: Heeds,
}

// === impl Control ===

impl<'a> Control<'a> {
    pub(crate) fn new(gate: &'a dyn WriteGate, signals: &'a Signals) -> Self {
        Self {
            gate,
            signals,
            heeds: Heeds::All,
        }
    }

    /// The same for work that a cancel must not end because it is the answer to one.
    pub(crate) fn while_cleaning(self) -> Self {
        Self {
            heeds: Heeds::Stop,
            ..self
        }
    }

    /// The same for the end of a copy that failed or is handed back.
    pub(crate) fn while_retreating(self) -> Self {
        Self {
            heeds: Heeds::CancelAndStop,
            ..self
        }
    }

    /// Waits until this unit is to end.
    pub(crate) async fn interrupted(&self) -> Interrupted {
        let hears_cancel = matches!(self.heeds, Heeds::All | Heeds::CancelAndStop);
        let hears_hand_back = self.heeds == Heeds::All;
        tokio::select! {
            biased;
            () = self.signals.stop.cancelled() => Interrupted::Stopped,
            () = self.signals.cancel.cancelled(), if hears_cancel => Interrupted::Canceled,
            () = self.signals.hand_back.cancelled(), if hears_hand_back => Interrupted::HandedBack,
        }
    }

    /// Why a write was withheld: a signal, or the gate itself, which is as good as a stop.
    pub(crate) fn why_withheld(&self) -> Interrupted {
        self.interrupted()
            .now_or_never()
            .unwrap_or(Interrupted::Stopped)
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
}

impl WriteGate for Control<'_> {
    fn permit(&self) -> BoxFuture<'_, Result<(), Withheld>> {
        self.unless_interrupted(self.gate.permit())
            .map(|permit| permit.unwrap_or(Err(Withheld)))
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use openstack::Ungated;

    use super::*;

    async fn ending(control: Control<'_>) -> Option<Interrupted> {
        let permit = control.permit().await;
        permit.err().map(|Withheld| control.why_withheld())
    }

    #[tokio::test]
    async fn the_strongest_signal_wins_and_each_end_is_deaf_to_what_it_answers() {
        use Interrupted::{Canceled, HandedBack, Stopped};
        let signals = Signals::default();
        let control = Control::new(&Ungated, &signals);
        let ends = || async {
            [
                ending(control).await,
                ending(control.while_retreating()).await,
                ending(control.while_cleaning()).await,
            ]
        };
        assert_eq!(ends().await, [None; 3]);
        signals.hand_back.cancel();
        assert_eq!(ends().await, [Some(HandedBack), None, None]);
        signals.cancel.cancel();
        assert_eq!(ends().await, [Some(Canceled), Some(Canceled), None]);
        signals.stop.cancel();
        assert_eq!(ends().await, [Some(Stopped); 3]);
    }

    struct Refusing;

    impl WriteGate for Refusing {
        fn permit(&self) -> BoxFuture<'_, Result<(), Withheld>> {
            Box::pin(std::future::ready(Err(Withheld)))
        }
    }

    #[tokio::test]
    async fn a_refusal_stops_the_unit() {
        let signals = Signals::default();
        let control = Control::new(&Refusing, &signals);
        assert_eq!(ending(control).await, Some(Interrupted::Stopped));
    }
}
