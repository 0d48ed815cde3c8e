//! Which index entries a plan has, and what a commit does to them: pure functions.

use std::collections::BTreeSet;

use domain::ImageId;
use serde::Serialize;

use crate::plan_record::PlanRecord;
use crate::store::Scope;
use crate::store::change::Change;
use crate::store::keys::Keys;
use crate::store::placement::Entry;
use crate::store::plans::Holder;

/// A set that must have this plan as its only member: nobody else holds the replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alone {
    /// The set.
    pub key: String,
    /// The replica.
    pub image: String,
}

/// A commit of a plan, ready to be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanChange {
    /// Looked at before anything is done.
    pub alone: Vec<Alone>,
    /// The entries.
    pub change: Change,
}

/// Every entry of a plan.
#[must_use]
pub fn entries(record: &PlanRecord, keys: &Keys) -> BTreeSet<Entry> {
    let member = record.id.to_string();
    let scored = |key: String, score: i64| Entry::Scored {
        key,
        member: member.clone(),
        score,
    };
    let created = record.created_at.as_millisecond();
    let mut entries = BTreeSet::from([
        scored(keys.plans(&Scope::Owner(record.owner())), created),
        scored(keys.plans(&Scope::All), created),
    ]);
    if let Some(due) = record.due_at() {
        entries.insert(scored(keys.plan_due(), due.as_millisecond()));
    }
    entries.extend(record.points.iter().map(|it| Entry::Member {
        key: keys.holders(it.point.image_id),
        member: Holder::Plan(record.id).member(),
    }));
    entries
}

/// The difference between two records; either may be missing.
#[must_use]
pub fn change(before: Option<&PlanRecord>, after: Option<&PlanRecord>, keys: &Keys) -> PlanChange {
    let had = before.map_or_else(BTreeSet::new, |it| entries(it, keys));
    let has = after.map_or_else(BTreeSet::new, |it| entries(it, keys));
    let was = before.map_or_else(BTreeSet::new, removing);
    let is = after.map_or_else(BTreeSet::new, removing);
    PlanChange {
        alone: is
            .difference(&was)
            .map(|image| Alone {
                key: keys.holders(*image),
                image: image.to_string(),
            })
            .collect(),
        change: Change::of_entries(
            had.difference(&has).map(Into::into).collect(),
            has.difference(&had).map(Into::into).collect(),
        ),
    }
}

/// The replicas that are being removed.
fn removing(record: &PlanRecord) -> BTreeSet<ImageId> {
    let points = record.points.iter();
    let removing = points.filter(|it| it.removing.is_some());
    removing.map(|it| it.point.image_id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_lifecycle::sample::{accepted, action, at, daily, errand, resolved, told};
    use crate::plan_lifecycle::{sample, wake};

    fn keys() -> Keys {
        Keys::new("p")
    }

    fn due(record: &PlanRecord) -> Option<i64> {
        entries(record, &keys())
            .into_iter()
            .find_map(|it| match it {
                Entry::Scored { key, score, .. } if key == "p:plan-due" => Some(score),
                _ => None,
            })
    }

    #[test]
    fn a_plan_is_due_at_its_next_fire_and_at_once_while_it_wishes() {
        let plan = accepted(daily(&[action(1)]));
        assert_eq!(due(&plan), Some(at(86_400).as_millisecond()));
        let fired = wake(&plan, None, at(86_400), &sample::rules()).expect("due");
        assert_eq!(due(&fired), Some(0));
        let mut stopped = plan;
        stopped.next_fire = None;
        assert_eq!(due(&stopped), None);
    }

    #[test]
    fn a_plan_holds_what_it_made_and_must_be_alone_to_remove_it() {
        let plan = accepted(daily(&[action(1)]));
        let plan = wake(&plan, None, at(86_400), &sample::rules()).expect("due");
        let plan = told(&plan, resolved(errand(&plan, 1), &[7]), 86_401);
        let job = plan.run.as_ref().expect("it runs").jobs[0];
        let held = told(&plan, sample::copied(job), 86_402);
        let holders = keys().holders(job.image_of_attempt(1));
        let committed = change(Some(&plan), Some(&held), &keys());
        assert!(committed.change.adds.iter().any(|op| op.k == holders));
        assert_eq!(committed.alone, []);
        let mut going = held.clone();
        going.points[0].removing = Some(plan.id.fire_at(at(1)));
        let committed = change(Some(&held), Some(&going), &keys());
        assert_eq!(committed.alone[0].key, holders);
    }
}
