//! A run from its fire to its end, by news.

use domain::{ErrorCode, ImageSelector, RunResult};

use super::*;
use crate::plan_lifecycle::sample::{
    accepted, action, at, copied as replicated, daily, errand, image, resolved as found, rules,
    served, told,
};
use crate::plan_lifecycle::{rotate, wake};
use crate::plan_record::Rotation;

const DAY: i64 = 86_400;

fn fired(actions: &[domain::PlanAction]) -> PlanRecord {
    let plan = accepted(daily(actions));
    wake(&plan, None, at(DAY), &rules()).expect("due")
}

fn result(plan: &PlanRecord) -> Option<RunResult> {
    plan.last_run.as_ref().and_then(|run| run.result)
}

fn failed(job: JobId, end: CopyEnd) -> News {
    News::Copied {
        job,
        end,
        replica: None,
        error: Some(JobError::new(ErrorCode::SourceGone, "it is gone")),
    }
}

fn rotation(plan: &PlanRecord) -> Option<Rotation> {
    plan.outbox.iter().find_map(|wish| match wish {
        Wish::Rotate(rotation) => Some(rotation.clone()),
        _ => None,
    })
}

#[test]
fn a_fire_resolves_copies_records_the_replica_and_rotates() {
    let plan = fired(&[action(1)]);
    let Wish::Resolve { job, fire } = &plan.outbox[0] else {
        panic!("{:?}", plan.outbox);
    };
    assert_eq!(
        (*job, fire.selector.clone()),
        (errand(&plan, 1), ImageSelector::Id(image(7)))
    );
    let plan = told(&served(&plan, DAY), found(errand(&plan, 1), &[7]), DAY + 1);
    let Wish::Copy { job, spec } = plan.outbox[0].clone() else {
        panic!("{:?}", plan.outbox);
    };
    assert_eq!(spec.plan_id, Some(plan.id));
    let plan = told(&served(&plan, DAY + 1), replicated(job), DAY + 2);
    assert_eq!(result(&plan), Some(RunResult::Success));
    assert!(plan.run.is_none());
    assert_eq!(plan.points[0].point.image_id, job.image_of_attempt(1));
    assert_eq!(rotation(&plan).expect("due").keep, 2);
}

#[test]
fn news_that_come_twice_or_of_another_run_change_nothing() {
    let first = fired(&[action(1)]);
    let news = found(errand(&first, 1), &[7]);
    let plan = told(&first, news.clone(), DAY + 1);
    assert_eq!(apply(&plan, &news, at(DAY + 2), &rules()), None);
    let job = plan.run.as_ref().expect("it runs").jobs[0];
    let plan = told(&plan, replicated(job), DAY + 2);
    assert_eq!(apply(&plan, &replicated(job), at(DAY + 3), &rules()), None);
    let next = wake(&served(&plan, DAY + 3), None, at(2 * DAY), &rules()).expect("due");
    assert_eq!(apply(&next, &news, at(2 * DAY), &rules()), None);
}

#[test]
fn the_next_fire_knows_the_newest_replica() {
    let plan = fired(&[action(1)]);
    let plan = told(&plan, found(errand(&plan, 1), &[7]), DAY + 1);
    let job = plan.run.as_ref().expect("it runs").jobs[0];
    let plan = served(&told(&plan, replicated(job), DAY + 2), DAY + 2);
    let plan = wake(&plan, None, at(2 * DAY), &rules()).expect("due");
    let Some(Wish::Resolve { fire, .. }) = plan.outbox.last() else {
        panic!("{:?}", plan.outbox);
    };
    assert_eq!(fire.newest[0].image_id, job.image_of_attempt(1));
    let identical = News::Resolved {
        errand: errand(&plan, 1),
        found: Ok(vec![ResolvedImage::Identical {
            source: image(7),
            replica: job.image_of_attempt(1),
        }]),
    };
    let plan = told(&plan, identical, 2 * DAY + 1);
    assert_eq!(result(&plan), Some(RunResult::Success));
    assert_eq!(plan.points.len(), 1);
    assert!(plan.last_run.expect("it ended").messages[0].contains("unchanged"));
}

#[test]
fn a_failed_action_is_tried_again_under_new_ids_until_it_was_often_enough() {
    let patient = domain::PlanAction {
        max_retries: 1,
        ..action(1)
    };
    let plan = fired(&[patient]);
    let first = errand(&plan, 1);
    let refused = |errand| News::Resolved {
        errand,
        found: Err(JobError::new(
            ErrorCode::SourceUnavailable,
            "Glance of ot1 is down",
        )),
    };
    let plan = told(&plan, refused(first), DAY + 1);
    assert_eq!(
        plan.due_at(),
        Some(at(DAY + 61)).filter(|_| plan.outbox.is_empty())
    );
    assert_eq!(wake(&plan, None, at(DAY + 60), &rules()), None);
    let plan = wake(&plan, None, at(DAY + 61), &rules()).expect("due");
    assert_ne!(errand(&plan, 1), first);
    let plan = told(&plan, refused(errand(&plan, 1)), DAY + 62);
    assert_eq!(result(&plan), Some(RunResult::Fail));
    assert_eq!(
        plan.last_run.expect("it ended").messages,
        ["Glance of ot1 is down"]
    );
}

#[test]
fn actions_behind_a_mandatory_one_wait_for_it_and_are_left_out_when_it_fails() {
    let first = domain::PlanAction {
        mandatory: true,
        ..action(1)
    };
    let plan = fired(&[first, action(2)]);
    assert_eq!(plan.outbox.len(), 1);
    let good = told(&plan, found(errand(&plan, 1), &[7]), DAY + 1);
    let job = good.run.as_ref().expect("it runs").jobs[0];
    let good = told(&served(&good, DAY + 1), replicated(job), DAY + 2);
    let second = errand(&good, 2);
    let begun = |wish: &Wish| matches!(wish, Wish::Resolve { job, .. } if *job == second);
    assert!(good.outbox.iter().any(begun));
    let bad = told(&plan, found(errand(&plan, 1), &[7]), DAY + 1);
    let bad = told(&bad, failed(job, CopyEnd::Failed), DAY + 2);
    assert_eq!(result(&bad), Some(RunResult::Fail));
    assert!(bad.last_run.expect("it ended").messages[1].contains("left out"));
}

#[test]
fn actions_that_are_not_mandatory_go_side_by_side() {
    let plan = fired(&[action(1), action(2)]);
    assert_eq!(plan.outbox.len(), 2);
}

#[test]
fn a_copy_that_its_owner_canceled_is_not_tried_again() {
    let patient = domain::PlanAction {
        max_retries: 5,
        ..action(1)
    };
    let plan = fired(&[patient]);
    let plan = told(&plan, found(errand(&plan, 1), &[7]), DAY + 1);
    let job = plan.run.as_ref().expect("it runs").jobs[0];
    let plan = told(&plan, failed(job, CopyEnd::Canceled), DAY + 2);
    assert_eq!(result(&plan), Some(RunResult::Fail));
}

#[test]
fn a_run_that_is_tried_again_and_again_does_not_grow_for_ever() {
    let stubborn = domain::PlanAction {
        max_retries: u32::MAX,
        retry_interval: std::time::Duration::ZERO,
        ..action(1)
    };
    let mut plan = fired(&[stubborn]);
    let sources: Vec<u128> = (1..=700).collect();
    for retry in 0..4 {
        let now = DAY + 10 * retry;
        plan = told(&plan, found(errand(&plan, 1), &sources), now);
        let run = plan.run.as_ref().expect("it runs");
        let Phase::Copying(copying) = &run.actions[0].phase else {
            panic!("{:?}", run.actions[0].phase);
        };
        assert_eq!(copying.copies.len(), sources.len());
        let jobs: Vec<JobId> = copying.copies.iter().map(|copy| copy.job).collect();
        assert!(run.jobs.ends_with(&jobs), "the last ones are named");
        assert!(run.jobs.len() <= JOBS);
        for job in jobs {
            plan = told(&plan, failed(job, CopyEnd::Failed), now + 1);
        }
        assert_eq!(
            wake(&plan, None, at(now + 1), &rules()),
            None,
            "it breathes"
        );
        plan = wake(&plan, None, at(now + 2), &rules()).expect("due");
    }
}

#[test]
fn a_region_that_is_gone_from_the_configuration_fails_the_action_and_is_named() {
    let plan = accepted(daily(&[action(1)]));
    let mut fewer = rules();
    fewer.regions.pop();
    let plan = wake(&plan, None, at(DAY), &fewer).expect("due");
    assert_eq!(result(&plan), Some(RunResult::Fail));
    let said = plan.last_run.expect("it ended").messages;
    assert_eq!(said, ["region `ot2` is not configured"]);
}

#[test]
fn each_image_of_a_tag_has_a_line_of_its_own() {
    let tagged = domain::PlanAction {
        selector: ImageSelector::Tag("nightly".to_owned()),
        ..action(1)
    };
    let mut plan = accepted(daily(&[tagged]));
    for day in 1..=3 {
        plan = wake(&plan, None, at(day * DAY), &rules()).expect("due");
        plan = told(&plan, found(errand(&plan, 1), &[7, 8]), day * DAY + 1);
        for job in plan.run.clone().expect("it runs").jobs {
            plan = told(&plan, replicated(job), day * DAY + 2);
        }
        if let Some(due) = rotation(&plan) {
            plan = rotate(&plan, &due, &Default::default());
        }
        let removals = plan.points.iter().filter(|it| it.removing.is_some());
        let sources: Vec<_> = removals.map(|it| it.point.source_image_id).collect();
        assert_eq!(sources.len(), if day < 3 { 0 } else { 2 });
        assert!(day < 3 || sources.contains(&image(7)) && sources.contains(&image(8)));
    }
}

#[test]
fn a_replica_that_is_gone_is_forgotten_and_one_that_stays_is_tried_again() {
    let mut plan = accepted(daily(&[action(1)]));
    for day in 1..=3 {
        plan = wake(&plan, None, at(day * DAY), &rules()).expect("due");
        plan = told(&plan, found(errand(&plan, 1), &[7]), day * DAY + 1);
        let job = plan.run.as_ref().expect("it runs").jobs[0];
        plan = told(&plan, replicated(job), day * DAY + 2);
        let due = rotation(&plan).expect("due");
        plan = rotate(&plan, &due, &Default::default());
    }
    let oldest = plan.points[2].clone();
    let removal = oldest
        .removing
        .expect("too many")
        .removal(oldest.point.image_id);
    let plan = served(&plan, 3 * DAY);
    let fate = |fate| News::Removed {
        errand: removal,
        image: oldest.point.image_id,
        fate: Ok(fate),
    };
    let gone = told(&plan, fate(ReplicaFate::Gone), 3 * DAY + 3);
    assert_eq!(gone.points.len(), 2);
    let kept = told(
        &plan,
        fate(ReplicaFate::Kept("it is protected".to_owned())),
        3 * DAY + 3,
    );
    assert_eq!(kept.points[2].removing, None);
    let said = kept.last_run.as_ref().expect("it ended").messages.clone();
    assert!(said[0].contains("it is protected"), "{said:?}");
}
