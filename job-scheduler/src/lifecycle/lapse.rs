//! Time passes: a lease runs out, a backoff ends.

use domain::{ErrorCode, JobError, JobStatus, UnitKind};
use jiff::Timestamp;

use super::{Jitter, Rules, after, end_cancel, give_up};
use crate::job_record::JobRecord;

/// Marks a lease that has run out: another attempt may take over, and the slot is free. The token
/// stays good until one does. None when the lease has not run out.
#[must_use]
pub fn lapse(
    record: &JobRecord,
    now: Timestamp,
    jitter: Jitter,
    rules: &Rules,
) -> Option<JobRecord> {
    let mut next = record.clone();
    let lease = next.lease.as_mut()?;
    if lease.lapsed || lease.expires_at > now {
        return None;
    }
    lease.lapsed = true;
    let kind = lease.kind;
    next.updated_at = now;
    match kind {
        UnitKind::Copy
        | UnitKind::Resolve
        | UnitKind::Remove
        | UnitKind::FindOrphans
        | UnitKind::RemoveOrphan => {
            next.lost_leases += 1;
            if next.status == JobStatus::Replicating && next.lost_leases >= rules.max_lost_leases {
                let message = format!(
                    "workers stopped answering {} times while they were at {}",
                    next.lost_leases,
                    next.task.name()
                );
                give_up(
                    &mut next,
                    JobError::new(ErrorCode::WorkersLost, message),
                    now,
                )
                .ok()?;
            }
            if kind != UnitKind::Copy && next.status.is_being_canceled() {
                end_cancel(&mut next, now).ok()?;
            }
        }
        UnitKind::CleanUp => {
            next.clean_up_failures += 1;
            next.waiting_until = Some(after(now, rules.backoff(next.clean_up_failures, jitter)));
        }
    }
    Some(next)
}

/// Makes a unit eligible whose backoff is over. None when it is not.
#[must_use]
pub fn promote(record: &JobRecord, now: Timestamp) -> Option<JobRecord> {
    record.waiting_until.filter(|until| *until <= now)?;
    let mut next = record.clone();
    next.waiting_until = None;
    next.updated_at = now;
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::sample::{self, at};

    #[test]
    fn a_lease_lapses_only_when_its_time_is_over_and_only_once() {
        let rules = sample::rules();
        let held = sample::granted();
        assert_eq!(lapse(&held, at(29), Jitter(0.0), &rules), None);
        let lapsed = lapse(&held, at(30), Jitter(0.0), &rules).expect("over");
        assert_eq!(lapsed.status, JobStatus::Replicating);
        assert_eq!(lapsed.unit(), Some(UnitKind::Copy));
        assert_eq!(lapse(&lapsed, at(99), Jitter(0.0), &rules), None);
    }

    #[test]
    fn too_many_lost_leases_are_an_error_and_leave_a_clean_up() {
        let rules = sample::rules();
        let mut held = sample::granted();
        held.lost_leases = rules.max_lost_leases - 1;
        let lost = lapse(&held, at(30), Jitter(0.0), &rules).expect("over");
        assert_eq!(lost.status, JobStatus::Error);
        assert_eq!(
            lost.error.as_ref().map(|e| e.code),
            Some(ErrorCode::WorkersLost)
        );
        assert_eq!(lost.unit(), Some(UnitKind::CleanUp));
        assert!(!lost.is_over());
    }

    #[test]
    fn a_backoff_ends_when_it_is_over() {
        let failed = sample::failed_once();
        let until = failed.waiting_until.expect("backs off");
        assert_eq!(promote(&failed, at(0)), None);
        assert_eq!(promote(&failed, until).expect("over").waiting_until, None);
    }
}
