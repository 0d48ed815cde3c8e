//! One granted unit while it is worked on: what its work, its heartbeat and its end share.

use copy_engine::{Ended, Order, Progress, Signals};
use domain::{Directive, Finish, Grant, Outcome, ProgressReport, UnitKind};
use tracing::info;

use crate::claim::Claimed;
use crate::lease::Lease;

/// A grant with its lease, its progress and the signals that end it.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) grant: Grant,
    pub(crate) lease: Lease,
    pub(crate) progress: Progress,
    pub(crate) signals: Signals,
}

impl Attempt {
    pub(crate) fn new(claimed: Claimed) -> Self {
        let Claimed { grant, asked_at } = claimed;
        let attempt = Self {
            lease: Lease::new(asked_at, grant.lease_length),
            progress: Progress::new(),
            signals: Signals::default(),
            grant,
        };
        if attempt.grant.cancel_requested {
            attempt.follow(Directive::Cancel);
        }
        attempt
    }

    /// The engine's order for this unit.
    pub(crate) fn order(&self) -> Order {
        Order {
            job_id: self.grant.job_id,
            spec: self.grant.spec.clone(),
            attempt: self.grant.attempt,
            leftovers: self.grant.leftovers.clone(),
        }
    }

    /// The order to remove everything of the job, this attempt's own image included.
    pub(crate) fn order_to_discard(&self) -> Order {
        let mut order = self.order();
        order.leftovers.extend(self.grant.destination_image_id);
        order
    }

    /// Does what the scheduler says.
    pub(crate) fn follow(&self, directive: Directive) {
        match directive {
            Directive::Continue => {}
            Directive::Cancel => {
                // Said again and again until the end; worth a line once.
                if !self.signals.cancel.is_cancelled() {
                    info!(job.id = %self.grant.job_id, "the job is being canceled");
                }
                self.signals.cancel.cancel();
            }
            Directive::Stop => {
                self.lease.supersede();
                self.signals.stop.cancel();
            }
        }
    }

    /// Ends the work so that another worker can start at once: a copy removes what is not whole, a
    /// clean-up stops where it is.
    pub(crate) fn hand_back(&self) {
        match self.grant.kind {
            UnitKind::Copy => self.signals.hand_back.cancel(),
            UnitKind::CleanUp => self.signals.stop.cancel(),
        }
    }

    /// How far it is, for the scheduler.
    pub(crate) fn report(&self) -> ProgressReport {
        let steps = self.progress.steps();
        ProgressReport {
            job_id: self.grant.job_id,
            lease_token: self.grant.lease_token,
            stage: steps.stage,
            bytes_copied: self.progress.bytes_copied(),
            image: steps.image,
            settled: steps.settled.into_iter().collect(),
        }
    }

    /// What the scheduler is told of the end; nothing when another attempt has taken over.
    pub(crate) fn outcome(&self, ended: Ended) -> Option<Outcome> {
        match ended {
            Ended::Replicated { image } => Some(Outcome::Replicated { image }),
            Ended::Failed(failure) => Some(Outcome::Failed {
                error: failure.error,
                transient: failure.transient,
            }),
            Ended::Cleaned => Some(Outcome::Cleaned),
            Ended::Stopped if self.lease.is_superseded() => None,
            Ended::HandedBack | Ended::Stopped => Some(Outcome::HandedBack),
        }
    }

    /// The report of the end, with everything that is known to be gone.
    pub(crate) fn finish(&self, outcome: Outcome) -> Finish {
        // An image that was adopted was not copied in this attempt, but it has all bytes.
        let bytes_copied = match outcome {
            Outcome::Replicated { .. } => self.grant.spec.source_digest.size_bytes,
            Outcome::Failed { .. } | Outcome::Cleaned | Outcome::HandedBack => {
                self.progress.bytes_copied()
            }
        };
        Finish {
            job_id: self.grant.job_id,
            lease_token: self.grant.lease_token,
            outcome,
            settled: self.progress.steps().settled.into_iter().collect(),
            bytes_copied,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::scheduler_double::claimed;

    use super::*;

    #[test]
    fn a_cancel_is_reported_as_cleaned_and_a_shutdown_as_handed_back() {
        let copy = Attempt::new(claimed(UnitKind::Copy));
        copy.hand_back();
        assert!(copy.signals.hand_back.is_cancelled() && !copy.signals.cancel.is_cancelled());
        assert_eq!(copy.outcome(Ended::HandedBack), Some(Outcome::HandedBack));

        copy.follow(Directive::Cancel);
        assert!(copy.signals.cancel.is_cancelled());
        assert_eq!(copy.outcome(Ended::Cleaned), Some(Outcome::Cleaned));
    }

    #[test]
    fn a_clean_up_that_the_shutdown_stopped_is_handed_back() {
        let clean_up = Attempt::new(claimed(UnitKind::CleanUp));
        clean_up.hand_back();
        assert!(clean_up.signals.stop.is_cancelled());
        assert_eq!(clean_up.outcome(Ended::Stopped), Some(Outcome::HandedBack));
    }

    #[test]
    fn an_adopted_image_counts_as_copied_whole() {
        let copy = Attempt::new(claimed(UnitKind::Copy));
        let image = copy.grant.job_id.image_of_attempt(1);
        assert_eq!(copy.finish(Outcome::HandedBack).bytes_copied, 0);
        let finish = copy.finish(Outcome::Replicated { image });
        let size = copy.grant.spec.source_digest.size_bytes;
        assert_eq!(finish.bytes_copied, size);
    }

    #[test]
    fn a_superseded_attempt_reports_nothing() {
        let copy = Attempt::new(claimed(UnitKind::Copy));
        copy.follow(Directive::Stop);
        assert!(copy.signals.stop.is_cancelled());
        assert_eq!(copy.outcome(Ended::Stopped), None);
    }

    #[test]
    fn a_discarded_attempt_removes_its_own_image_too() {
        let copy = Attempt::new(claimed(UnitKind::Copy));
        let own = copy.grant.destination_image_id.expect("a copy has one");
        assert_eq!(copy.order_to_discard().leftovers.last(), Some(&own));
    }
}
