//! What a plan forgets, and what is not removed after all.

use domain::JobId;
use jiff::Timestamp;

use super::*;
use crate::plan_lifecycle::sample::{
    accepted, action, at, copied, creator, daily, errand, image, resolved, reused, rules, served,
    told,
};
use crate::plan_lifecycle::{Edit, News, edit, wake};

const DAY: i64 = 86_400;

/// A plan that has copied image 7 on so many days; its rotation of the last one is due.
fn ran(days: i64) -> PlanRecord {
    let plan = accepted(daily(&[action(1)]));
    (1..=days).fold(plan, |plan, day| fired(plan, day, copied))
}

/// The plan after the fire of a day, whose copy ended so.
fn fired(mut plan: PlanRecord, day: i64, end: impl Fn(JobId) -> News) -> PlanRecord {
    plan.outbox.clear();
    plan = wake(&plan, None, at(day * DAY), &rules()).expect("due");
    plan = told(&plan, resolved(errand(&plan, 1), &[7]), day * DAY + 1);
    let job = plan.run.as_ref().expect("it runs").jobs[0];
    told(&plan, end(job), day * DAY + 2)
}

fn images(plan: &PlanRecord) -> Vec<ImageId> {
    plan.points.iter().map(|it| it.point.image_id).collect()
}

#[test]
fn a_reused_image_is_forgotten_by_a_rotation_and_never_removed() {
    let plan = accepted(daily(&[action(1)]));
    let plan = fired(plan, 1, |job| reused(job, image(99)));
    let plan = (2..=4).fold(plan, |plan, day| fired(plan, day, copied));
    let [.., oldest_made, given] = images(&plan)[..] else {
        panic!("{:?}", plan.points);
    };
    assert_eq!(given, image(99));
    let rotation = due(&plan);
    assert_eq!(candidates(&plan, &rotation), BTreeSet::from([oldest_made]));
    let rotated = rotate(&plan, &rotation, &BTreeSet::new());
    assert!(!images(&rotated).contains(&given));
    let removed = rotated.outbox.iter().filter_map(|wish| match wish {
        Wish::Remove { removal, .. } => Some(removal.replica.image_id),
        _ => None,
    });
    assert_eq!(removed.collect::<Vec<_>>(), [oldest_made]);
}

#[test]
fn a_replica_that_stands_for_its_image_again_is_the_newest_again_and_still_the_plans_own() {
    let plan = ran(2);
    let [newest, before] = images(&plan)[..] else {
        panic!("{:?}", plan.points);
    };
    let plan = fired(plan, 3, |job| reused(job, before));
    assert_eq!(images(&plan), [before, newest]);
    assert!(plan.points.iter().all(|it| !it.reused));
}

#[test]
fn only_what_a_plan_made_is_forgotten_for_others() {
    let plan = fired(ran(1), 2, |job| reused(job, image(99)));
    assert_eq!(forget(&plan, image(99)), None);
    assert_eq!(forget(&plan, image(98)), None);
    let made = plan.points[1].point.image_id;
    let forgetful = forget(&plan, made).expect("it had it");
    assert_eq!(images(&forgetful), [image(99)]);
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
        reused: false,
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
