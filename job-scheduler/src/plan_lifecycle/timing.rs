//! When a plan fires next, and how often.

use std::time::Duration;

use domain::Schedule;
use jiff::{SignedDuration, Timestamp};

use crate::plan_record::PlanRecord;

/// The next fire, seen from `now`; none while the plan is stopped or disabled.
pub(super) fn next_fire(record: &PlanRecord, now: Timestamp) -> Option<Timestamp> {
    if record.stopped || record.document.disabled {
        return None;
    }
    if record.once_owed {
        return Some(now);
    }
    next_after(record, now)
}

/// The first fire of its schedule strictly behind a moment.
pub(super) fn next_after(record: &PlanRecord, after: Timestamp) -> Option<Timestamp> {
    // It was refused when it was written if it cannot be parsed; then a plan without a next fire is the
    // least harm.
    let schedule = Schedule::parse(&record.document.schedule).ok()?;
    schedule.next_after(after, record.scheduled_at)
}

/// Fires that are looked at to tell how often a schedule fires: more than a day of one that fires every hour.
const FIRES_LOOKED_AT: usize = 100;

/// The shortest distance between two of a schedule's next fires; none when there are no two.
pub(super) fn shortest_period(schedule: &Schedule, now: Timestamp) -> Option<Duration> {
    let fires = std::iter::successors(schedule.next_after(now, now), |fire| {
        schedule.next_after(*fire, now)
    });
    let fires: Vec<Timestamp> = fires.take(FIRES_LOOKED_AT).collect();
    fires
        .windows(2)
        .filter_map(|pair| pair[1].duration_since(pair[0]).try_into().ok())
        .min()
}

/// The millisecond behind a moment, as far as time goes.
pub(super) fn just_after(moment: Timestamp) -> Timestamp {
    let step = SignedDuration::from_millis(1);
    moment.checked_add(step).unwrap_or(Timestamp::MAX)
}
