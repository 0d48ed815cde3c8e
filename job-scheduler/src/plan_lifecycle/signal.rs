//! A plan is told to start, to stop or to abort. The answers are the words of the backup API.

use domain::{Creator, JobId, PlanEvent};
use jiff::Timestamp;

use super::PlanRules;
use super::advance::advance;
use super::fire::begin;
use super::timing::next_fire;
use crate::plan_record::{Phase, PlanRecord, Run, Wish};

/// It is done.
const SUCCESS: &str = "success";

/// What a plan is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Fire now, and on schedule again.
    Start {
        /// Whose rights the fire needs.
        creator: Creator,
        /// W3C trace context of the request.
        traceparent: Option<String>,
    },
    /// Fire no more; a run under way ends by itself.
    Stop,
    /// As stop, and the run's copies are canceled.
    Abort,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signaled {
    /// The plan; unchanged when there was nothing to do.
    pub record: PlanRecord,
    /// For whoever told it.
    pub result: &'static str,
}

/// Tells a plan something.
#[must_use]
pub fn signal(record: &PlanRecord, told: Signal, now: Timestamp, rules: &PlanRules) -> Signaled {
    let mut next = record.clone();
    let result = match told {
        Signal::Start {
            creator,
            traceparent,
        } => start(&mut next, creator, traceparent, now, rules),
        Signal::Stop => stop(&mut next),
        Signal::Abort => abort(&mut next, now, rules),
    };
    Signaled {
        record: next,
        result,
    }
}

fn start(
    record: &mut PlanRecord,
    creator: Creator,
    traceparent: Option<String>,
    now: Timestamp,
    rules: &PlanRules,
) -> &'static str {
    if record.document.disabled {
        return "job is disabled";
    }
    let (was_stopped, running) = (record.stopped, record.run.is_some());
    if running && !was_stopped {
        return "start already requested";
    }
    record.last_event = Some(PlanEvent::Start);
    record.stopped = false;
    if !running {
        // What an empty schedule owes is this fire.
        record.once_owed = false;
    }
    if was_stopped || record.next_fire.is_some_and(|at| at <= now) {
        record.next_fire = next_fire(record, now);
    }
    if !running {
        begin(record, now, creator, traceparent, now, rules);
    }
    SUCCESS
}

fn stop(record: &mut PlanRecord) -> &'static str {
    if record.stopped {
        return "stop already requested";
    }
    halt(record, PlanEvent::Stop);
    SUCCESS
}

fn abort(record: &mut PlanRecord, now: Timestamp, rules: &PlanRules) -> &'static str {
    let running = record.run.as_ref().is_some_and(|run| !run.aborted);
    if !running && record.last_event == Some(PlanEvent::Abort) {
        return "abort already requested";
    }
    halt(record, PlanEvent::Abort);
    if let Some(run) = record.run.as_mut().filter(|run| !run.aborted) {
        run.aborted = true;
        let unwanted = cancel(run);
        let cancels = unwanted.into_iter().map(|job| Wish::Cancel { job });
        record.outbox.extend(cancels);
        advance(record, now, rules);
    }
    SUCCESS
}

fn halt(record: &mut PlanRecord, event: PlanEvent) {
    record.last_event = Some(event);
    record.stopped = true;
    record.next_fire = None;
}

/// Gives up what has not begun to copy; names what is to be canceled. The run ends when its copies have.
fn cancel(run: &mut Run) -> Vec<JobId> {
    let mut jobs = Vec::new();
    for action in &mut run.actions {
        match &action.phase {
            Phase::Waiting => action.phase = Phase::LeftOut,
            Phase::Paused { .. } => action.phase = Phase::Failed,
            Phase::Resolving => {
                jobs.push(run.fire.errand(action.action.id, action.retry));
                action.phase = Phase::Failed;
            }
            Phase::Copying(copying) => {
                let open = copying.copies.iter().filter(|copy| copy.end.is_none());
                jobs.extend(open.map(|copy| copy.job));
            }
            Phase::Succeeded | Phase::Failed | Phase::LeftOut => {}
        }
    }
    jobs
}

#[cfg(test)]
mod tests {
    use domain::{PlanStatus, RunResult};

    use super::*;
    use crate::plan_lifecycle::sample::{
        accepted, action, at, copied, creator, daily, errand, resolved, rules, told,
    };
    use crate::plan_lifecycle::view;

    fn start_it() -> Signal {
        Signal::Start {
            creator: creator(),
            traceparent: None,
        }
    }

    #[test]
    fn a_start_fires_now_and_once() {
        let plan = accepted(daily(&[action(1)]));
        let started = signal(&plan, start_it(), at(5), &rules());
        assert_eq!(started.result, "success");
        let run = started.record.run.as_ref().expect("it runs");
        assert_eq!(run.scheduled_for, at(5));
        assert_eq!(started.record.next_fire, plan.next_fire);
        let again = signal(&started.record, start_it(), at(6), &rules());
        assert_eq!(again.result, "start already requested");
        assert_eq!(again.record, started.record);
    }

    #[test]
    fn a_stop_lets_the_run_end_and_a_start_schedules_again() {
        let plan = accepted(daily(&[action(1)]));
        let plan = signal(&plan, start_it(), at(5), &rules()).record;
        let stopped = signal(&plan, Signal::Stop, at(6), &rules());
        assert_eq!(stopped.result, "success");
        assert_eq!(stopped.record.next_fire, None);
        assert_eq!(view(&stopped.record).status, PlanStatus::Running);
        let again = signal(&stopped.record, Signal::Stop, at(7), &rules());
        assert_eq!(again.result, "stop already requested");
        let on = signal(&stopped.record, start_it(), at(8), &rules()).record;
        assert_eq!(on.next_fire, Some(at(86_400)));
        assert_eq!(on.run, stopped.record.run);
    }

    #[test]
    fn a_disabled_plan_is_not_started() {
        let mut document = daily(&[action(1)]);
        document.disabled = true;
        let plan = accepted(document);
        let answer = signal(&plan, start_it(), at(5), &rules());
        assert_eq!((answer.result, &answer.record), ("job is disabled", &plan));
    }

    #[test]
    fn an_abort_cancels_the_copies_and_the_run_ends_with_them() {
        let plan = accepted(daily(&[action(1)]));
        let plan = signal(&plan, start_it(), at(5), &rules()).record;
        let plan = told(&plan, resolved(errand(&plan, 1), &[7]), 6);
        let job = plan.run.as_ref().expect("it runs").jobs[0];
        let aborted = signal(&plan, Signal::Abort, at(7), &rules());
        assert_eq!(aborted.result, "success");
        assert!(aborted.record.outbox.contains(&Wish::Cancel { job }));
        let again = signal(&aborted.record, Signal::Abort, at(8), &rules());
        assert_eq!(again.result, "abort already requested");
        // It was done when the cancel came: the replica is recorded all the same.
        let ended = told(&aborted.record, copied(job), 9);
        let last = ended.last_run.as_ref().expect("it ended");
        assert_eq!(last.result, Some(RunResult::Aborted));
        assert_eq!(ended.points.len(), 1);
        assert_eq!(view(&ended).status, PlanStatus::Stop);
    }

    #[test]
    fn an_abort_before_anything_is_copied_ends_the_run_at_once() {
        let plan = accepted(daily(&[action(1), action(2)]));
        let plan = signal(&plan, start_it(), at(5), &rules()).record;
        let aborted = signal(&plan, Signal::Abort, at(7), &rules()).record;
        assert!(aborted.run.is_none());
        let job = errand(&plan, 1);
        assert!(aborted.outbox.contains(&Wish::Cancel { job }));
        let late = told(&aborted, resolved(errand(&plan, 1), &[7]), 8);
        assert_eq!(late, aborted);
    }
}
