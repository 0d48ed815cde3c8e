//! A plan's time has come. Its fires never overlap; one that is late still runs within the window, once.

use domain::{Creator, RunResult, RunView};
use jiff::{SignedDuration, Timestamp};

use super::PlanRules;
use super::advance::advance;
use super::timing::{just_after, next_after, next_fire};
use crate::plan_record::{ActionRun, Phase, PlanRecord, Run};

/// Does what time demands: fires, and tries again what has paused. None when there is nothing to do.
#[must_use]
pub fn wake(
    record: &PlanRecord,
    traceparent: Option<String>,
    now: Timestamp,
    rules: &PlanRules,
) -> Option<PlanRecord> {
    let mut next = record.clone();
    if let Some(due) = record.next_fire.filter(|due| *due <= now) {
        fire(&mut next, due, traceparent, now, rules);
    }
    advance(&mut next, now, rules);
    (next != *record).then_some(next)
}

fn fire(
    record: &mut PlanRecord,
    due: Timestamp,
    traceparent: Option<String>,
    now: Timestamp,
    rules: &PlanRules,
) {
    // Who asked for one fire now gets it, however late.
    let in_time = if record.once_owed {
        Some(due)
    } else {
        first_in_time(record, due, now, rules)
    };
    record.once_owed = false;
    record.next_fire = next_fire(record, now);
    if let Some(run) = &mut record.run {
        run.skipped = run.skipped.saturating_add(1);
        run.last_skipped = Some(in_time.unwrap_or(due));
        return;
    }
    let Some(scheduled_for) = in_time else {
        return miss(record, due, now);
    };
    let creator = record.creator.clone();
    begin(record, scheduled_for, creator, traceparent, now, rules);
}

/// The earliest fire that is due and not too late; later ones that are due as well are this one.
fn first_in_time(
    record: &PlanRecord,
    due: Timestamp,
    now: Timestamp,
    rules: &PlanRules,
) -> Option<Timestamp> {
    let window = SignedDuration::try_from(rules.late_window).unwrap_or(SignedDuration::MAX);
    let earliest = now.checked_sub(window).unwrap_or(Timestamp::MIN);
    if due >= earliest {
        return Some(due);
    }
    let before = earliest.checked_sub(SignedDuration::from_nanos(1));
    next_after(record, before.unwrap_or(Timestamp::MIN)).filter(|at| *at <= now)
}

/// A fire comes to nothing.
fn miss(record: &mut PlanRecord, due: Timestamp, now: Timestamp) {
    record.last_run = Some(RunView {
        scheduled_for: due,
        started_at: now,
        ended_at: Some(now),
        result: Some(RunResult::Missed),
        messages: vec!["no scheduler ran when it was due, too long ago".to_owned()],
        jobs: Vec::new(),
    });
}

/// Begins a run; nothing else does. Called when none is under way.
pub(super) fn begin(
    record: &mut PlanRecord,
    scheduled_for: Timestamp,
    creator: Creator,
    traceparent: Option<String>,
    now: Timestamp,
    rules: &PlanRules,
) {
    // Two fires must not share an id, not even when the clock was set back.
    let moment = match record.last_fire {
        Some(last) if last >= scheduled_for => just_after(last),
        _ => scheduled_for,
    };
    record.last_fire = Some(moment);
    record.started_at = Some(now);
    record.ended_at = None;
    let actions = record.document.actions.iter().cloned();
    record.run = Some(Run {
        fire: record.id.fire_at(moment),
        scheduled_for,
        started_at: now,
        creator,
        aborted: false,
        actions: actions
            .map(|action| ActionRun {
                action,
                retry: 0,
                phase: Phase::Waiting,
            })
            .collect(),
        jobs: Vec::new(),
        messages: Vec::new(),
        skipped: 0,
        last_skipped: None,
        traceparent,
    });
    advance(record, now, rules);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_lifecycle::sample::{accepted, action, at, daily, document, rules};

    const DAY: i64 = 86_400;

    fn wake_at(record: &PlanRecord, seconds: i64) -> Option<PlanRecord> {
        wake(record, None, at(seconds), &rules())
    }

    #[test]
    fn a_fire_begins_when_it_is_due_and_only_once() {
        let plan = accepted(daily(&[action(1)]));
        assert_eq!(wake_at(&plan, DAY - 1), None);
        let fired = wake_at(&plan, DAY + 3).expect("due");
        let run = fired.run.as_ref().expect("it runs");
        assert_eq!(run.scheduled_for, at(DAY));
        assert_eq!(run.fire, plan.id.fire_at(at(DAY)));
        assert_eq!(fired.next_fire, Some(at(2 * DAY)));
        assert_eq!(wake_at(&fired, DAY + 4), None);
    }

    #[test]
    fn a_fire_that_became_due_during_a_run_is_skipped_and_said() {
        let plan = accepted(daily(&[action(1)]));
        let fired = wake_at(&plan, DAY).expect("due");
        let skipped = wake_at(&fired, 2 * DAY).expect("due");
        let run = skipped.run.as_ref().expect("it goes on");
        assert_eq!(run.fire, fired.run.as_ref().expect("it runs").fire);
        assert!(run.view(None).messages[0].contains("skipped"));
        assert_eq!(skipped.next_fire, Some(at(3 * DAY)));
    }

    #[test]
    fn a_late_fire_runs_within_the_window_and_is_missed_after_it() {
        let plan = accepted(daily(&[action(1)]));
        let late = wake_at(&plan, DAY + 3_600).expect("due");
        assert_eq!(late.run.expect("it runs").scheduled_for, at(DAY));
        let missed = wake_at(&plan, DAY + 3_601).expect("due");
        assert!(missed.run.is_none());
        let last = missed.last_run.expect("said");
        assert_eq!(last.result, Some(RunResult::Missed));
        assert_eq!(missed.next_fire, Some(at(2 * DAY)));
        assert_eq!(missed.started_at, None);
    }

    #[test]
    fn when_it_ran_last_is_told_though_a_fire_was_missed_since() {
        let plan = accepted(daily(&[]));
        let ran = wake_at(&plan, DAY + 3).expect("due");
        assert_eq!(ran.run, None, "there is nothing to do");
        let missed = wake_at(&ran, 2 * DAY + 3_601).expect("due");
        let last = missed.last_run.expect("said");
        assert_eq!(last.result, Some(RunResult::Missed));
        let told = (missed.started_at, missed.ended_at);
        assert_eq!(told, (Some(at(DAY + 3)), Some(at(DAY + 3))));
    }

    #[test]
    fn of_many_fires_that_were_missed_one_runs() {
        let mut often = daily(&[action(1)]);
        often.schedule.interval = Some("10 minutes".to_owned());
        let plan = accepted(often);
        let fired = wake_at(&plan, DAY).expect("due");
        let run = fired.run.expect("it runs");
        assert_eq!(run.scheduled_for, at(DAY - 3_600));
        assert_eq!(fired.next_fire, Some(at(DAY + 600)));
    }

    #[test]
    fn the_one_fire_of_an_empty_schedule_is_never_too_late() {
        let plan = accepted(document(&[action(1)]));
        let fired = wake_at(&plan, 30 * DAY).expect("due");
        assert!(fired.run.is_some());
        assert_eq!(fired.next_fire, None);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_id_twice() {
        let mut plan = accepted(daily(&[action(1)]));
        plan.last_fire = Some(at(DAY));
        let fired = wake_at(&plan, DAY).expect("due");
        let run = fired.run.expect("it runs");
        assert_ne!(run.fire, plan.id.fire_at(at(DAY)));
        assert_eq!(run.scheduled_for, at(DAY));
    }
}
