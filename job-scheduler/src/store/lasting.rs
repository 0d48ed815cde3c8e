//! Which commits must outlive the Redis that took them before anybody is told of them.
//!
//! Everything else is written again by itself: a report comes after a report, and what is settled is settled once more. Used
//! by the Redis store, and by the model of a replica that takes over.

use super::change::granted_lane;
use crate::job_record::JobRecord;

/// Whether a commit must have reached a replica before it is answered.
///
/// A grant, for what is made under it must never be unknown; the end of a lease; the renewal of one that had run out, for
/// others may take over what has run out; and whatever moves the status, a cancel for one.
#[must_use]
pub fn must_last(before: &JobRecord, after: &JobRecord) -> bool {
    let is_granted = granted_lane(Some(before), Some(after)).is_some();
    let has_ended = before.lease.is_some() && after.lease.is_none();
    let is_held_again = before.held_lease().is_none() && after.held_lease().is_some();
    is_granted || has_ended || is_held_again || before.status != after.status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::sample::{self, accepted, at, failed_once, granted, leased, report_of};
    use crate::lifecycle::{Jitter, cancel, lapse, promote, report};

    #[test]
    fn what_nobody_does_again_must_last() {
        let rules = sample::rules();
        let running = granted();
        let reported = report(&running, &report_of(&running, 1), at(1), &rules).0;
        let reported = reported.expect("written");
        let lapsed = lapse(&reported, at(60), Jitter(0.0), &rules).expect("expired");
        let renewed = report(&lapsed, &report_of(&lapsed, 1), at(61), &rules).0;
        let renewed = renewed.expect("written");
        let failed = failed_once();
        let waited = promote(&failed, at(600)).expect("over");
        let canceled = |record: &JobRecord| cancel(record, at(2), &rules).expect("cancelable");

        assert!(must_last(&accepted(), &running), "a grant");
        assert!(must_last(&lapsed, &leased(&lapsed, 61)), "a takeover");
        assert!(must_last(&running, &failed), "an end");
        assert!(must_last(&lapsed, &renewed), "held again");
        assert!(must_last(&accepted(), &canceled(&accepted())), "a cancel");
        assert!(must_last(&running, &canceled(&running)), "a wish to cancel");

        assert!(!must_last(&running, &reported), "a report");
        assert!(!must_last(&reported, &lapsed), "time that passes");
        assert!(!must_last(&failed, &waited), "a backoff");
    }
}
