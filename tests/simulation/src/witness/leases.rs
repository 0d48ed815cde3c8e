//! Who may write by its lease, and which leases were lost for a reason.
//!
//! A worker counts its lease from before it asked for it, so by its own clock it ends before it would if it were counted
//! from the commit, as is done here. And a lease that is lost is made good by another attempt, which hides that
//! whoever held it had not gone on to renew it: so a lease may be lost only to a trouble that can cost one.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use domain::JobId;
use job_scheduler::job_record::JobRecord;
use tokio::time::Instant;

use crate::checker::Violation;

/// A worker has got over a trouble by then: it has given up silent schedulers and found another.
const RECOVERY: Duration = Duration::from_secs(8);
/// Calls of one worker that fail shortly one after the other and may cost it a lease together.
const MANY_FAILURES: usize = 2;

/// All of a run.
#[derive(Debug)]
pub(super) struct Leases {
    length: Duration,
    /// Until when a worker may begin to write for a job.
    permits: BTreeMap<(JobId, String), Instant>,
    trouble: Option<Instant>,
    /// None: for ever.
    troubles: BTreeMap<String, Option<Instant>>,
    failures: BTreeMap<String, VecDeque<Instant>>,
}

impl Leases {
    pub(super) const fn new(length: Duration) -> Self {
        Self {
            length,
            permits: BTreeMap::new(),
            trouble: None,
            troubles: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    pub(super) fn trouble(&mut self, until: Instant) {
        self.trouble = self.trouble.max(Some(until));
    }

    pub(super) fn trouble_of(&mut self, worker: &str, until: Option<Instant>) {
        let known = self.troubles.entry(worker.to_owned()).or_insert(until);
        *known = until.and_then(|until| Some((*known)?.max(until)));
    }

    pub(super) fn call_failed(&mut self, worker: &str) {
        let failures = self.failures.entry(worker.to_owned()).or_default();
        failures.push_back(Instant::now());
        if failures.len() > MANY_FAILURES {
            failures.pop_front();
        }
    }

    /// Whether a worker may begin to write for a job now.
    pub(super) fn permit(&self, job: JobId, worker: &str) -> bool {
        let permit = self.permits.get(&(job, worker.to_owned()));
        permit.is_some_and(|until| Instant::now() <= *until)
    }

    /// A commit; a violation when it takes a lease away for nothing.
    pub(super) fn committed(&mut self, before: &JobRecord, after: &JobRecord) -> Option<Violation> {
        let now = Instant::now();
        let standing = |record: &JobRecord| {
            let lease = record.lease.as_ref()?;
            Some((lease.token, lease.expires_at))
        };
        if let Some(lease) = &after.lease
            && standing(before) != standing(after)
        {
            let holder = (after.id, lease.worker.to_string());
            self.permits.insert(holder, now + self.length);
        }
        let held = before.held_lease()?;
        let lapses = after.lost_leases > before.lost_leases
            || after
                .lease
                .as_ref()
                .is_some_and(|lease| lease.token == held.token && lease.lapsed);
        let worker = held.worker.as_str();
        (lapses && !self.is_explained(worker, now))
            .then(|| Violation::LeaseLostForNothing(after.id, worker.to_owned()))
    }

    fn is_explained(&self, worker: &str, now: Instant) -> bool {
        let since = now.checked_sub(self.length + RECOVERY);
        let recent = |at: Instant| since.is_none_or(|since| at >= since);
        let failures = self.failures.get(worker);
        self.trouble.is_some_and(recent)
            || self
                .troubles
                .get(worker)
                .is_some_and(|until| until.is_none_or(recent))
            || failures.is_some_and(|failures| {
                failures.len() >= MANY_FAILURES && failures.iter().all(|at| recent(*at))
            })
    }
}
