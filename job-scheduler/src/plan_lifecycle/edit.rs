//! A plan's owner writes it anew. The run under way goes on as it began, but removes nothing that is to be kept by now.

use domain::{Creator, PlanDocument};
use jiff::Timestamp;

use super::check::plan_next;
use super::create::{check, check_pace, schedule};
use super::rotation::call_off;
use super::timing::next_fire;
use super::{InvalidPlan, PlanRules};
use crate::plan_record::PlanRecord;

/// What is written.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Everything that the owner may write.
    pub document: PlanDocument,
    /// Whose rights the fires need from now on.
    pub creator: Creator,
    /// The schedule counts as written anew, be it the same.
    pub reschedule: bool,
    /// An empty schedule means never instead of once, now.
    pub empty_is_off: bool,
}

/// The record with the edit. A schedule that is written anew starts over, also when the plan was stopped; a plan
/// that is enabled again goes on from now.
///
/// # Errors
/// [`InvalidPlan`].
pub fn edit(
    record: &PlanRecord,
    edit: Edit,
    now: Timestamp,
    rules: &PlanRules,
) -> Result<PlanRecord, InvalidPlan> {
    check(&edit.document, rules)?;
    let mut next = record.clone();
    let rescheduled = edit.reschedule || edit.document.schedule != record.document.schedule;
    if rescheduled {
        check_pace(&edit.document, now, rules)?;
    }
    let toggled = edit.document.disabled != record.document.disabled;
    next.document = edit.document;
    next.creator = edit.creator;
    next.revision = record.revision.saturating_add(1);
    next.updated_at = now;
    if rescheduled {
        next.stopped = false;
        next.last_event = None;
        schedule(&mut next, edit.empty_is_off, now);
    } else if toggled {
        next.next_fire = next_fire(&next, now);
    }
    call_off(&mut next, &record.document);
    plan_next(&mut next, now);
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_lifecycle::sample::{accepted, action, at, creator, daily, document, rules};
    use crate::plan_lifecycle::{Signal, signal};

    fn edit_of(document: PlanDocument) -> Edit {
        Edit {
            document,
            creator: creator(),
            reschedule: false,
            empty_is_off: false,
        }
    }

    #[test]
    fn a_plan_that_is_enabled_again_goes_on_from_now() {
        let plan = accepted(daily(&[action(1)]));
        let mut off = plan.document.clone();
        off.disabled = true;
        let plan = edit(&plan, edit_of(off), at(5), &rules()).expect("valid");
        assert_eq!((plan.next_fire, plan.revision), (None, 2));
        let mut on = plan.document.clone();
        on.disabled = false;
        let plan = edit(&plan, edit_of(on), at(200_000), &rules()).expect("valid");
        assert_eq!(plan.next_fire, Some(at(3 * 86_400)));
    }

    #[test]
    fn a_name_leaves_the_schedule_alone_and_a_schedule_starts_over() {
        let plan = accepted(daily(&[action(1)]));
        let stopped = signal(&plan, Signal::Stop, at(1), &rules()).record;
        let mut named = stopped.document.clone();
        named.name = "another".to_owned();
        let plan = edit(&stopped, edit_of(named.clone()), at(2), &rules()).expect("valid");
        assert!(plan.stopped && plan.next_fire.is_none());
        let again = Edit {
            reschedule: true,
            ..edit_of(named)
        };
        let plan = edit(&plan, again, at(10), &rules()).expect("valid");
        assert_eq!(plan.next_fire, Some(at(86_410)));
        assert!(!plan.stopped);
    }

    #[test]
    fn an_empty_schedule_fires_once_now_or_is_off() {
        let plan = accepted(daily(&[action(1)]));
        let empty = || edit_of(document(&[action(1)]));
        let once = edit(&plan, empty(), at(9), &rules()).expect("valid");
        assert_eq!(once.next_fire, Some(at(9)));
        let off = Edit {
            empty_is_off: true,
            ..empty()
        };
        let off = edit(&plan, off, at(9), &rules()).expect("valid");
        assert_eq!(off.next_fire, None);
    }
}
