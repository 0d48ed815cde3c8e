//! An action or a run comes to its end, and what was said on the way.

use std::time::Duration;

use domain::RunResult;
use jiff::Timestamp;

use crate::lifecycle::after;
use crate::plan_record::{CopyEnd, Copying, Phase, PlanRecord, Rotation, Run, Wish};

/// The most that is said of one run.
const MESSAGES: usize = 50;

/// The shortest wait before an action is tried again, whatever its owner wrote: as the shortest interval of a schedule.
const BREATH: Duration = Duration::from_secs(1);

/// Notes a sentence for the plan's owner.
pub(super) fn say(run: &mut Run, message: String) {
    add(&mut run.messages, message);
}

/// Notes a sentence on the run under way, or else on the last one.
pub(super) fn say_of_plan(record: &mut PlanRecord, message: String) {
    if let Some(run) = &mut record.run {
        add(&mut run.messages, message);
    } else if let Some(last) = &mut record.last_run {
        add(&mut last.messages, message);
    }
}

fn add(messages: &mut Vec<String>, message: String) {
    if messages.len() < MESSAGES && !messages.contains(&message) {
        messages.push(message);
    }
}

/// An action failed: it is tried again later, unless that was often enough.
pub(super) fn fail(run: &mut Run, index: usize, again: bool, now: Timestamp) {
    let aborted = run.aborted;
    let it = &mut run.actions[index];
    it.phase = if again && !aborted && it.retry < it.action.max_retries {
        Phase::Paused {
            until: after(now, it.action.retry_interval.max(BREATH)),
        }
    } else {
        Phase::Failed
    };
}

/// Ends an action whose copies have all ended; its replicas that are too many go.
pub(super) fn conclude(record: &mut PlanRecord, run: &mut Run, index: usize, now: Timestamp) {
    let Phase::Copying(copying) = &run.actions[index].phase else {
        return;
    };
    if copying.copies.iter().any(|copy| copy.end.is_none()) {
        return;
    }
    let ended = |end| copying.copies.iter().any(|copy| copy.end == Some(end));
    let (canceled, failed) = (ended(CopyEnd::Canceled), ended(CopyEnd::Failed));
    let failed = failed || copying.refused || canceled;
    if !run.aborted {
        let rotation = rotation(run, index, copying);
        record.outbox.extend(rotation.map(Wish::Rotate));
    }
    if failed {
        fail(run, index, !canceled, now);
    } else {
        run.actions[index].phase = Phase::Succeeded;
    }
}

/// The rotation of the lines whose newest replica is as good as the source, if the action wants one.
fn rotation(run: &Run, index: usize, copying: &Copying) -> Option<Rotation> {
    let action = &run.actions[index].action;
    let good = copying.copies.iter();
    let good = good.filter(|copy| copy.end == Some(CopyEnd::Replicated));
    let good = good
        .map(|copy| copy.source)
        .chain(copying.identical.iter().copied());
    let mut lines = Vec::new();
    for source in good {
        let line = super::rotation::line_of(action, source);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let keep = action.rotation?.get();
    (!lines.is_empty()).then_some(Rotation {
        fire: run.fire,
        lines,
        keep,
    })
}

/// Ends a run whose actions are all over.
pub(super) fn end(record: &mut PlanRecord, run: &Run, now: Timestamp) {
    let good = run.actions.iter();
    let good = good.clone().all(|action| action.phase == Phase::Succeeded);
    let result = match (run.aborted, good) {
        (true, _) => RunResult::Aborted,
        (false, true) => RunResult::Success,
        (false, false) => RunResult::Fail,
    };
    record.ended_at = Some(now);
    record.last_run = Some(run.view(Some((now, result))));
}
