//! A unit of work is granted: the attempt's image id enters the leftovers before anyone hears it.

use domain::{ClaimId, LeaseToken, UnitKind, WorkerId};
use jiff::Timestamp;

use super::{Rules, after, job_deadline, step};
use crate::job_record::{JobRecord, Lease};
use crate::job_state::{Event, IllegalTransition};

/// A job that has no unit to grant now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job has no unit to grant")]
pub struct NotGrantable;

/// Grants what the job needs next. A lapsed lease is taken over: its token means nothing any more.
///
/// # Errors
/// [`NotGrantable`] when somebody holds it, it waits for its backoff or needs nothing.
pub fn grant(
    record: &JobRecord,
    token: LeaseToken,
    claim: ClaimId,
    worker: WorkerId,
    now: Timestamp,
    rules: &Rules,
) -> Result<JobRecord, NotGrantable> {
    let kind = record.unit().ok_or(NotGrantable)?;
    if record.held_lease().is_some() || record.waiting_until.is_some() {
        return Err(NotGrantable);
    }
    let mut next = record.clone();
    match kind {
        UnitKind::Copy => {
            begin(&mut next, now, rules).map_err(|_| NotGrantable)?;
            next.leftovers.push(next.attempt_image());
            next.image = None;
            next.bytes_copied = 0;
        }
        UnitKind::Resolve | UnitKind::Remove | UnitKind::FindOrphans | UnitKind::RemoveOrphan => {
            begin(&mut next, now, rules).map_err(|_| NotGrantable)?;
        }
        UnitKind::CleanUp if next.status.is_being_canceled() => {
            step(&mut next, Event::CleanUpStarted, now).map_err(|_| NotGrantable)?;
        }
        UnitKind::CleanUp => {}
    }
    next.lease = Some(Lease {
        token,
        claim,
        worker,
        kind,
        expires_at: after(now, rules.lease_length),
        lapsed: false,
        stage: None,
    });
    next.updated_at = now;
    Ok(next)
}

/// Another attempt.
fn begin(next: &mut JobRecord, now: Timestamp, rules: &Rules) -> Result<(), IllegalTransition> {
    step(next, Event::AttemptGranted, now)?;
    next.attempt += 1;
    next.started_at.get_or_insert(now);
    next.deadline = Some(job_deadline(next, rules));
    Ok(())
}

/// The same claim again (its answer was lost): the lease is renewed, for the worker counts its
/// length from the repeated call. None when the lease belongs to another claim.
#[must_use]
pub fn grant_again(
    record: &JobRecord,
    claim: ClaimId,
    now: Timestamp,
    rules: &Rules,
) -> Option<JobRecord> {
    let mut next = record.clone();
    let lease = next.lease.as_mut().filter(|lease| lease.claim == claim)?;
    super::report::renew(lease, &mut next.lost_leases, now, rules);
    next.waiting_until = None;
    next.updated_at = now;
    Some(next)
}

#[cfg(test)]
mod tests {
    use domain::JobStatus;

    use super::*;
    use crate::lifecycle::sample::{self, at};
    use crate::lifecycle::{Jitter, lapse};

    #[test]
    fn an_attempts_image_is_a_leftover_before_the_worker_knows_it() {
        let granted = sample::granted();
        assert_eq!(granted.status, JobStatus::Replicating);
        assert_eq!(granted.leftovers, [granted.id.image_of_attempt(1)]);
        let grant = granted.grant(sample::rules().lease_length).expect("leased");
        assert_eq!(grant.destination_image_id, Some(granted.leftovers[0]));
        assert_eq!(grant.leftovers, []);
        assert_eq!(grant.attempt, 1);
    }

    #[test]
    fn an_errand_has_no_image_and_leaves_nothing() {
        for task in sample::errands() {
            let granted = sample::leased(&sample::accepted_as(task), 0);
            assert_eq!(granted.status, JobStatus::Replicating);
            assert_eq!(granted.leftovers, []);
            let grant = granted.grant(sample::rules().lease_length).expect("leased");
            assert_eq!(grant.unit.kind(), granted.task.kind());
            assert_eq!(grant.destination_image_id, None);
        }
    }

    #[test]
    fn a_held_job_is_not_granted_and_a_lapsed_one_is() {
        let held = sample::granted();
        let claim = ClaimId::generate();
        let worker = WorkerId::new("w2");
        let token = LeaseToken::generate();
        let rules = sample::rules();
        assert_eq!(
            grant(&held, token, claim, worker.clone(), at(1), &rules),
            Err(NotGrantable)
        );
        let lapsed = lapse(&held, at(31), Jitter(0.0), &rules).expect("expired");
        let taken = grant(&lapsed, token, claim, worker, at(32), &rules).expect("free");
        assert_eq!(taken.attempt, 2);
        let grant = taken.grant(rules.lease_length).expect("leased");
        assert_eq!(grant.leftovers, [taken.id.image_of_attempt(1)]);
        assert_eq!(taken.leftovers.len(), 2);
    }

    #[test]
    fn a_repeated_claim_gets_the_same_grant_with_a_fresh_lease() {
        let held = sample::granted();
        let rules = sample::rules();
        let claim = held.lease.as_ref().expect("leased").claim;
        let again = grant_again(&held, claim, at(10), &rules).expect("same claim");
        assert_eq!(
            again.grant(rules.lease_length),
            held.grant(rules.lease_length)
        );
        assert_eq!(again.lease.expect("leased").expires_at, at(40));
        assert_eq!(
            grant_again(&held, ClaimId::generate(), at(10), &rules),
            None
        );
    }
}
