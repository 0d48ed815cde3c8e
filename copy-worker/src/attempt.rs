//! One granted unit while it is worked on: what its work, its heartbeat and its end share.

use copy_engine::{Order, Progress, Signals};
use domain::{CopySpec, Directive, Finish, Grant, Outcome, ProgressReport, Unit};
use tracing::info;

use crate::claim::Claimed;
use crate::lease::Lease;
use crate::unit_end::UnitEnd;

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
        let Claimed {
            grant, asked_at, ..
        } = claimed;
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

    /// The engine's order for this unit, which is about a copy.
    pub(crate) fn order(&self, spec: &CopySpec) -> Order {
        Order {
            job_id: self.grant.job_id,
            spec: spec.clone(),
            attempt: self.grant.attempt,
            leftovers: self.grant.leftovers.clone(),
        }
    }

    /// The order to remove everything of the job, this attempt's own image included.
    pub(crate) fn order_to_discard(&self, spec: &CopySpec) -> Order {
        let mut order = self.order(spec);
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

    /// Ends the work so that another worker can start at once: a copy removes what is not whole,
    /// everything else stops where it is.
    pub(crate) fn hand_back(&self) {
        match self.grant.unit {
            Unit::Copy(_) => self.signals.hand_back.cancel(),
            _ => self.signals.stop.cancel(),
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
    pub(crate) fn outcome(&self, end: UnitEnd) -> Option<Outcome> {
        match end {
            UnitEnd::Replicated { image } => Some(Outcome::Replicated { image }),
            UnitEnd::Reused { image } => Some(Outcome::Reused { image }),
            UnitEnd::Resolved(images) => Some(Outcome::Resolved { images }),
            UnitEnd::Removed(fate) => Some(Outcome::Removed(fate)),
            UnitEnd::OrphansFound(found) => Some(Outcome::OrphansFound(found)),
            UnitEnd::Failed(failure) => Some(Outcome::Failed {
                error: failure.error,
                transient: failure.transient,
            }),
            UnitEnd::Cleaned => Some(Outcome::Cleaned),
            UnitEnd::Stopped if self.lease.is_superseded() => None,
            UnitEnd::HandedBack | UnitEnd::Stopped => Some(Outcome::HandedBack),
        }
    }

    /// The report of the end, with everything that is known to be gone.
    pub(crate) fn finish(&self, outcome: Outcome) -> Finish {
        // An image that was adopted was not copied in this attempt, but it has all bytes.
        let bytes_copied = match (&outcome, self.grant.unit.copy()) {
            (Outcome::Replicated { .. }, Some(spec)) => spec.source_digest.size_bytes,
            _ => self.progress.bytes_copied(),
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
    use domain::{ReplicaFate, UnitKind};

    use super::*;
    use crate::scheduler_double::{claimed, spec};

    #[test]
    fn a_cancel_is_reported_as_cleaned_and_a_shutdown_as_handed_back() {
        let copy = Attempt::new(claimed(UnitKind::Copy));
        copy.hand_back();
        assert!(copy.signals.hand_back.is_cancelled() && !copy.signals.cancel.is_cancelled());
        assert_eq!(copy.outcome(UnitEnd::HandedBack), Some(Outcome::HandedBack));

        copy.follow(Directive::Cancel);
        assert!(copy.signals.cancel.is_cancelled());
        assert_eq!(copy.outcome(UnitEnd::Cleaned), Some(Outcome::Cleaned));
    }

    #[test]
    fn a_clean_up_that_the_shutdown_stopped_is_handed_back() {
        let clean_up = Attempt::new(claimed(UnitKind::CleanUp));
        clean_up.hand_back();
        assert!(clean_up.signals.stop.is_cancelled());
        assert_eq!(
            clean_up.outcome(UnitEnd::Stopped),
            Some(Outcome::HandedBack)
        );
    }

    #[test]
    fn an_errand_that_the_shutdown_stopped_is_handed_back_and_one_that_ended_is_told() {
        for kind in [
            UnitKind::Resolve,
            UnitKind::Remove,
            UnitKind::FindOrphans,
            UnitKind::RemoveOrphan,
        ] {
            let errand = Attempt::new(claimed(kind));
            errand.hand_back();
            assert!(errand.signals.stop.is_cancelled());
            let outcome = errand.outcome(UnitEnd::Stopped);
            assert_eq!(outcome, Some(Outcome::HandedBack));
        }
        let removal = Attempt::new(claimed(UnitKind::Remove));
        let outcome = removal.outcome(UnitEnd::Removed(ReplicaFate::Gone));
        let outcome = outcome.expect("it stands");
        assert_eq!(outcome, Outcome::Removed(ReplicaFate::Gone));
        assert_eq!(removal.finish(outcome).bytes_copied, 0);
    }

    #[test]
    fn an_adopted_image_counts_as_copied_whole() {
        let copy = Attempt::new(claimed(UnitKind::Copy));
        let image = copy.grant.job_id.image_of_attempt(1);
        assert_eq!(copy.finish(Outcome::HandedBack).bytes_copied, 0);
        let finish = copy.finish(Outcome::Replicated { image });
        assert_eq!(finish.bytes_copied, spec().source_digest.size_bytes);
    }

    #[test]
    fn a_superseded_attempt_reports_nothing() {
        let copy = Attempt::new(claimed(UnitKind::Copy));
        copy.follow(Directive::Stop);
        assert!(copy.signals.stop.is_cancelled());
        assert_eq!(copy.outcome(UnitEnd::Stopped), None);
    }

    #[test]
    fn a_discarded_attempt_removes_its_own_image_too() {
        let copy = Attempt::new(claimed(UnitKind::Copy));
        let own = copy.grant.destination_image_id.expect("a copy has one");
        assert_eq!(copy.order_to_discard(&spec()).leftovers.last(), Some(&own));
    }
}
