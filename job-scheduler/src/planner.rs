//! What is to be done about a job for which something has become due: pure, idempotent.
//!
//! The reconciler of every scheduler asks this about the same jobs; the version that each step is
//! committed by lets exactly one of them win.

use jiff::Timestamp;

use crate::job_record::JobRecord;
use crate::lifecycle::{Jitter, Rules, after, give_up_when_due, lapse, promote};
use crate::store::Due;

/// The indexes whose jobs take a step by themselves. News for a plan changes the plan first: they are not here.
pub const STEPPED: [Due; 4] = [Due::Waiting, Due::Lease, Due::Deadline, Due::Finished];

/// A step to be committed.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The record becomes this.
    Replace(Box<JobRecord>),
    /// The record goes.
    Remove,
}

/// When things are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// Since when schedulers have been serving without a gap.
    pub serving_since: Timestamp,
}

/// Which entries of an index are due: all up to this moment. None when nothing may be due now.
///
/// For one lease length after an outage of schedulers or Redis no lease is expired, for no worker
/// could renew its lease meanwhile.
#[must_use]
pub fn horizon(what: Due, moment: Moment, rules: &Rules) -> Option<Timestamp> {
    match what {
        Due::Waiting | Due::Deadline | Due::PlanNews => Some(moment.now),
        Due::Lease => {
            let settled = after(moment.serving_since, rules.lease_length);
            (moment.now >= settled).then_some(moment.now)
        }
        Due::Finished => {
            let age = jiff::SignedDuration::try_from(rules.keep_finished).ok()?;
            moment.now.checked_sub(age).ok()
        }
    }
}

/// The step that a due job needs; none when it is not due after all, or takes none by itself ([`STEPPED`]).
#[must_use]
pub fn step(
    what: Due,
    record: &JobRecord,
    moment: Moment,
    jitter: Jitter,
    rules: &Rules,
) -> Option<Step> {
    let horizon = horizon(what, moment, rules)?;
    let next = match what {
        Due::Waiting => promote(record, horizon)?,
        Due::Lease => lapse(record, horizon, jitter, rules)?,
        Due::Deadline => give_up_when_due(record, horizon)?,
        Due::Finished => {
            let old = record.finished_at.is_some_and(|at| at <= horizon);
            return (record.is_over() && old).then_some(Step::Remove);
        }
        Due::PlanNews => return None,
    };
    Some(Step::Replace(Box::new(next)))
}

#[cfg(test)]
mod tests {
    use domain::Outcome;

    use super::*;
    use crate::lifecycle::finish;
    use crate::lifecycle::sample::{self, at, finish_of};

    fn moment(now: i64, since: i64) -> Moment {
        Moment {
            now: at(now),
            serving_since: at(since),
        }
    }

    fn plan(what: Due, record: &JobRecord, moment: Moment) -> Option<Step> {
        step(what, record, moment, Jitter(0.0), &sample::rules())
    }

    #[test]
    fn no_lease_is_expired_for_one_length_after_an_outage() {
        let held = sample::granted();
        assert_eq!(plan(Due::Lease, &held, moment(100, 71)), None);
        assert_eq!(plan(Due::Lease, &held, moment(29, -100)), None);
        let lapsed = plan(Due::Lease, &held, moment(100, 70)).expect("due");
        assert!(matches!(lapsed, Step::Replace(record) if record.held_lease().is_none()));
    }

    #[test]
    fn a_step_that_was_done_is_not_due_again() {
        for (what, record, when) in [
            (Due::Lease, sample::granted(), 40),
            (Due::Waiting, sample::failed_once(), 40),
            (Due::Deadline, sample::accepted(), 700_000),
        ] {
            let Some(Step::Replace(next)) = plan(what, &record, moment(when, 0)) else {
                panic!("{what:?} is due");
            };
            assert_eq!(plan(what, &next, moment(when, 0)), None);
        }
    }

    #[test]
    fn the_janitor_takes_only_what_is_old_and_clean() {
        const DAY: i64 = 86_400;
        let record = sample::granted();
        let image = record.attempt_image();
        let word = finish_of(&record, Outcome::Replicated { image });
        let ended = finish(&record, &word, at(0), Jitter(0.0), &sample::rules());
        let done = ended.expect("legal").0.expect("written");
        assert_eq!(plan(Due::Finished, &done, moment(30 * DAY - 1, 0)), None);
        assert_eq!(
            plan(Due::Finished, &done, moment(30 * DAY, 0)),
            Some(Step::Remove)
        );
        let mut unclean = done;
        unclean.leftovers.push(image);
        assert_eq!(plan(Due::Finished, &unclean, moment(31 * DAY, 0)), None);
    }
}
