//! What a plan forgets, and what is not removed after all.

use jiff::Timestamp;

use super::*;
use crate::plan_lifecycle::sample::{
    accepted, action, at, copied, creator, daily, errand, image, resolved, rules, served, told,
};
use crate::plan_lifecycle::{Edit, News, edit, wake};

const DAY: i64 = 86_400;

/// A plan that has copied image 7 on so many days; its rotation of the last one is due.
fn ran(days: i64) -> PlanRecord {
    let mut plan = accepted(daily(&[action(1)]));
    for day in 1..=days {
        plan.outbox.clear();
        plan = wake(&plan, None, at(day * DAY), &rules()).expect("due");
        plan = told(&plan, resolved(errand(&plan, 1), &[7]), day * DAY + 1);
        let job = plan.run.as_ref().expect("it runs").jobs[0];
        plan = told(&plan, copied(job), day * DAY + 2);
    }
    plan
}

fn due(plan: &PlanRecord) -> Rotation {
    let due = plan.outbox.iter().find_map(|wish| match wish {
        Wish::Rotate(rotation) => Some(rotation.clone()),
        _ => None,
    });
    due.expect("due")
}

fn rewritten(plan: &PlanRecord, actions: Vec<PlanAction>) -> PlanRecord {
    let mut document = plan.document.clone();
    document.actions = actions;
    let word = Edit {
        document,
        creator: creator(),
        reschedule: false,
        empty_is_off: false,
    };
    edit(plan, word, at(9 * DAY), &rules()).expect("valid")
}

fn keeping(keep: u32) -> Vec<PlanAction> {
    vec![PlanAction {
        rotation: NonZeroU32::new(keep),
        ..action(1)
    }]
}

#[test]
fn a_rotation_that_is_due_removes_nothing_that_the_owner_wants_by_now() {
    let plan = ran(5);
    assert_eq!(candidates(&plan, &due(&plan)).len(), 3);
    for (actions, left) in [
        (keeping(4), 1),
        (keeping(0), 0),
        (Vec::new(), 0),
        (keeping(1), 3),
    ] {
        let edited = rewritten(&plan, actions);
        let due = due(&edited);
        assert_eq!(candidates(&edited, &due).len(), left);
        let begun = rotate(&edited, &due, &BTreeSet::new());
        let removing = begun.points.iter().filter(|it| it.removing.is_some());
        assert_eq!(removing.count(), left);
    }
}

#[test]
fn removals_are_called_off_when_more_is_to_be_kept() {
    let plan = ran(3);
    let begun = rotate(&plan, &due(&plan), &BTreeSet::new());
    let oldest = begun.points[2].clone();
    let removal = oldest.removing.expect("too many");
    let removal = removal.removal(oldest.point.image_id);
    let fewer = rewritten(&begun, keeping(1));
    assert_eq!(
        (&fewer.points, &fewer.outbox),
        (&begun.points, &begun.outbox)
    );
    for plan in [begun.clone(), served(&begun, 3 * DAY)] {
        let edited = rewritten(&plan, keeping(3));
        assert!(edited.points.iter().all(|it| it.removing.is_none()));
        assert_eq!(edited.outbox, [Wish::Cancel { job: removal }]);
        // A worker may have been faster than the cancel.
        let gone = News::Removed {
            errand: removal,
            image: oldest.point.image_id,
            fate: Ok(domain::ReplicaFate::Gone),
        };
        assert_eq!(told(&edited, gone, 9 * DAY).points.len(), 2);
    }
}

#[test]
fn what_no_rotation_would_remove_is_forgotten_first_and_the_newest_of_a_line_last() {
    let mut plan = accepted(daily(&[action(1)]));
    let fire = plan.id.fire_at(at(0));
    let point = |number: u128, of: u128, source: u128| Point {
        action: action(of).id,
        by_source: true,
        point: domain::RecoveryPoint {
            job_id: fire.copy_job(action(of).id, image(source), 0),
            image_id: image(number),
            source_image_id: image(source),
            digest: crate::plan_lifecycle::sample::copy_spec(source).source_digest,
            destination: action(of).destination,
            made_at: Timestamp::UNIX_EPOCH,
        },
        removing: None,
    };
    // The only one of its line, two that rotate, two of an action that is gone.
    for (number, of, source) in [(1, 1, 8), (2, 1, 7), (3, 1, 7), (4, 2, 7), (5, 2, 7)] {
        assert_eq!(record_point(&mut plan, point(number, of, source)), None);
    }
    for number in 6..=u128::try_from(POINTS).expect("a few") {
        assert_eq!(record_point(&mut plan, point(number, 1, 7)), None);
    }
    let mut forgotten = Vec::new();
    for number in 1..=3 {
        let said = record_point(&mut plan, point(10_000 + number, 1, 7));
        let gone = |number: &u128| {
            plan.points
                .iter()
                .all(|it| it.point.image_id != image(*number))
        };
        forgotten.push((said, (1..=5).filter(gone).collect::<Vec<_>>()));
    }
    assert_eq!(
        forgotten,
        [
            (None, vec![4]),
            (Some(image(2)), vec![2, 4]),
            (Some(image(3)), vec![2, 3, 4]),
        ]
    );
    assert_eq!(plan.points.len(), POINTS);
}
