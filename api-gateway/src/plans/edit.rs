//! What becomes of a plan's document when it is written: what is said replaces what stood there, field by field;
//! schedule and actions are replaced whole.
//!
//! Invariant: an action that is written again keeps its id, for its replicas are recorded under it.

use domain::{ActionId, Destination, PlanAction, PlanDocument, ScheduleFields};

use super::action::WrittenAction;
use super::draft::PlanDraft;

/// Whether a schedule counts as written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rescheduling {
    /// It starts over.
    pub starts_over: bool,
    /// An empty one never fires, rather than at once.
    pub empty_is_off: bool,
}

impl Rescheduling {
    /// A plan that is written whole, as if it were new.
    pub(super) const ANEW: Self = Self {
        starts_over: true,
        empty_is_off: false,
    };

    /// A change of `before`. A schedule that comes back as it stands is left alone: a client that changes a name
    /// may send the whole document, and that must neither restart an interval nor undo a stop, nor lose the fire that
    /// a plan without a schedule still owes. A bare one switches the schedule off.
    pub(super) fn of_change(draft: &PlanDraft, before: &PlanDocument) -> Self {
        let is_another = |schedule: &ScheduleFields| *schedule != before.schedule;
        Self {
            starts_over: draft.is_bare || draft.schedule.as_ref().is_some_and(is_another),
            empty_is_off: true,
        }
    }
}

/// The document with what `draft` says; its actions come with their destinations found, if it has any.
pub(super) fn merged(
    before: &PlanDocument,
    draft: &PlanDraft,
    actions: Option<Vec<PlanAction>>,
) -> PlanDocument {
    let said = |new: &Option<String>, old: &String| new.as_ref().unwrap_or(old).clone();
    PlanDocument {
        name: said(&draft.name, &before.name),
        description: said(&draft.description, &before.description),
        client_id: said(&draft.client_id, &before.client_id),
        session_id: said(&draft.session_id, &before.session_id),
        session_tag: draft.session_tag.unwrap_or(before.session_tag),
        disabled: draft.disabled.unwrap_or(before.disabled),
        schedule: draft.schedule.as_ref().unwrap_or(&before.schedule).clone(),
        actions: actions.unwrap_or_else(|| before.actions.clone()),
    }
}

/// The actions with their destinations and ids: the id that is given, else that of an action with the same images
/// and destination that stood there before and is not named by another, else a new one.
pub(super) fn identified(
    written: &[WrittenAction],
    destinations: Vec<Destination>,
    before: &[PlanAction],
) -> Vec<PlanAction> {
    let named = |id| written.iter().any(|action| action.id == Some(id));
    let mut free: Vec<&PlanAction> = before.iter().filter(|old| !named(old.id)).collect();
    written
        .iter()
        .zip(destinations)
        .map(|(action, destination)| {
            let id = action.id.unwrap_or_else(|| {
                let same = |old: &&PlanAction| {
                    old.selector == action.selector && old.destination == destination
                };
                match free.iter().position(same) {
                    Some(place) => free.remove(place).id,
                    None => ActionId::generate(),
                }
            });
            PlanAction {
                id,
                selector: action.selector.clone(),
                destination,
                rotation: action.rotation,
                max_retries: action.max_retries,
                retry_interval: action.retry_interval,
                mandatory: action.mandatory,
                as_written: action.as_written.clone(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{ImageSelector, RegionId, TenantId};

    use super::*;

    fn written(image: &str, id: Option<ActionId>) -> WrittenAction {
        WrittenAction {
            id,
            selector: ImageSelector::Name(image.to_owned()),
            tenant: TenantId::new("t"),
            region: None,
            rotation: None,
            max_retries: 0,
            retry_interval: Duration::ZERO,
            mandatory: false,
            as_written: "{}".to_owned(),
        }
    }

    fn ids(written: &[WrittenAction], before: &[PlanAction]) -> Vec<ActionId> {
        actions(written, before).iter().map(|a| a.id).collect()
    }

    fn actions(written: &[WrittenAction], before: &[PlanAction]) -> Vec<PlanAction> {
        let there = Destination {
            region: RegionId::new("ot2"),
            tenant: TenantId::new("t"),
        };
        identified(written, vec![there; written.len()], before)
    }

    fn hourly() -> ScheduleFields {
        ScheduleFields {
            interval: Some("1 hours".to_owned()),
            ..Default::default()
        }
    }

    #[test]
    fn an_action_that_is_written_again_keeps_its_id() {
        let before = actions(&[written("a", None), written("b", None)], &[]);
        let (a, b) = (before[0].id, before[1].id);
        assert_ne!(a, b);
        let again = [written("b", None), written("a", None)];
        assert_eq!(ids(&again, &before), [b, a]);
        // Named: whatever else of it is new.
        assert_eq!(ids(&[written("c", Some(a))], &before), [a]);
    }

    #[test]
    fn an_id_is_given_once() {
        let before = actions(&[written("a", None)], &[]);
        let a = before[0].id;
        let twice = ids(&[written("a", None), written("a", None)], &before);
        assert_eq!(twice[0], a);
        assert_ne!(twice[1], a);
        let named_later = ids(&[written("a", None), written("z", Some(a))], &before);
        assert_ne!(named_later[0], a);
        assert_eq!(named_later[1], a);
    }

    #[test]
    fn what_is_not_said_stays() {
        let before = PlanDocument {
            name: "nightly".to_owned(),
            schedule: hourly(),
            actions: actions(&[written("a", None)], &[]),
            ..Default::default()
        };
        let draft = PlanDraft {
            description: Some("all of them".to_owned()),
            disabled: Some(true),
            ..Default::default()
        };
        let expected = PlanDocument {
            description: "all of them".to_owned(),
            disabled: true,
            ..before.clone()
        };
        assert_eq!(merged(&before, &draft, None), expected);
    }

    #[test]
    fn only_another_schedule_starts_over_and_a_bare_one_is_off() {
        let before = |schedule| PlanDocument {
            schedule,
            ..Default::default()
        };
        let daily = ScheduleFields {
            interval: Some("1 days".to_owned()),
            ..Default::default()
        };
        let none = ScheduleFields::default;
        for (stood, schedule, is_bare, starts_over) in [
            (hourly(), None, false, false),
            (hourly(), Some(hourly()), false, false),
            (hourly(), Some(daily), false, true),
            (hourly(), Some(none()), false, true),
            (hourly(), Some(none()), true, true),
            (none(), Some(none()), true, true),
            // It was shown, and came back.
            (none(), Some(none()), false, false),
        ] {
            let draft = PlanDraft {
                schedule,
                is_bare,
                ..Default::default()
            };
            let rescheduling = Rescheduling::of_change(&draft, &before(stood));
            assert_eq!(rescheduling.starts_over, starts_over, "{draft:?}");
            assert!(rescheduling.empty_is_off);
        }
    }
}
