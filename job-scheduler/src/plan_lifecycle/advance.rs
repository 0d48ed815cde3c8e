//! A run goes on: each action begins when those before it allow it, and the run ends with the last of them.

use domain::{Destination, PlanFire, RecoveryPoint};
use jiff::Timestamp;

use super::end::{end, say};
use super::{PlanRules, check};
use crate::plan_record::{ActionRun, Line, Phase, PlanRecord, Run, Wish};

/// Does everything that can be done now. Called at the end of every change.
pub(super) fn advance(record: &mut PlanRecord, now: Timestamp, rules: &PlanRules) {
    if let Some(mut run) = record.run.take() {
        go_on(record, &mut run, now, rules);
        if run.actions.iter().all(|action| action.phase.is_over()) {
            end(record, &run, now);
        } else {
            record.run = Some(run);
        }
    }
    check::plan_next(record, now);
}

fn go_on(record: &mut PlanRecord, run: &mut Run, now: Timestamp, rules: &PlanRules) {
    // Whether a mandatory action has failed, or has not ended yet.
    let (mut failed, mut open) = (false, false);
    for index in 0..run.actions.len() {
        match run.actions[index].phase {
            Phase::Waiting if run.aborted => run.actions[index].phase = Phase::LeftOut,
            Phase::Waiting if failed => {
                let id = run.actions[index].action.id;
                say(
                    run,
                    format!("action {id} was left out, for a mandatory one before it failed"),
                );
                run.actions[index].phase = Phase::LeftOut;
            }
            Phase::Waiting if !open => begin(record, run, index, rules),
            Phase::Paused { .. } if run.aborted => run.actions[index].phase = Phase::Failed,
            Phase::Paused { until } if until <= now => {
                run.actions[index].retry += 1;
                begin(record, run, index, rules);
            }
            _ => {}
        }
        let ActionRun { action, phase, .. } = &run.actions[index];
        if action.mandatory {
            failed |= matches!(phase, Phase::Failed | Phase::LeftOut);
            open |= !phase.is_over();
        }
    }
}

/// Has a worker look for an action's images.
fn begin(record: &mut PlanRecord, run: &mut Run, index: usize, rules: &PlanRules) {
    let destination = &run.actions[index].action.destination.region;
    let regions = [record.region.clone(), destination.clone()];
    if let Some(unknown) = regions.iter().find(|region| !rules.knows(region)) {
        say(run, format!("region `{unknown}` is not configured"));
        run.actions[index].phase = Phase::Failed;
        return;
    }
    run.actions[index].phase = Phase::Resolving;
    let wish = resolve(record, run, &run.actions[index]);
    record.outbox.push(wish);
}

/// The wish to look for an action's images.
pub(super) fn resolve(record: &PlanRecord, run: &Run, action: &ActionRun) -> Wish {
    let ActionRun { action, retry, .. } = action;
    let fire = PlanFire {
        plan_id: record.id,
        action_id: action.id,
        source_region: record.region.clone(),
        source_tenant: record.tenant.clone(),
        creator: run.creator.clone(),
        selector: action.selector.clone(),
        destination: action.destination.clone(),
        newest: newest(record, action.id, &action.destination),
        traceparent: run.traceparent.clone(),
    };
    Wish::Resolve {
        job: run.fire.errand(action.id, *retry),
        fire: Box::new(fire),
    }
}

/// The newest replica of each of an action's lines.
fn newest(
    record: &PlanRecord,
    action: domain::ActionId,
    destination: &Destination,
) -> Vec<RecoveryPoint> {
    let mut seen: Vec<Line> = Vec::new();
    let mut newest = Vec::new();
    let stay = record.points.iter().filter(|it| it.removing.is_none());
    for point in stay {
        let line = point.line();
        let is_mine = line.action == action && line.destination == *destination;
        if is_mine && !seen.contains(&line) {
            seen.push(line);
            newest.push(point.point.clone());
        }
    }
    newest
}
