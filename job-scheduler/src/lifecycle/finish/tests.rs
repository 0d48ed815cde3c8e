use domain::{ImageId, OrphansFound, ReplicaFate, ResolvedImage};

use super::*;
use crate::lifecycle::sample::{self, at, failed, finish_of, leased};
use crate::lifecycle::{cancel, give_up_when_due, lapse, plan_told, promote};

fn end(record: &JobRecord, word: &Finish, seconds: i64) -> (JobRecord, FinishVerdict) {
    let (next, verdict) =
        finish(record, word, at(seconds), Jitter(1.0), &sample::rules()).expect("legal");
    (next.unwrap_or_else(|| record.clone()), verdict)
}

fn replicated(record: &JobRecord) -> Finish {
    let image = record.attempt_image();
    finish_of(record, Outcome::Replicated { image })
}

#[test]
fn a_copy_that_succeeds_keeps_only_its_image() {
    let record = sample::granted();
    let word = replicated(&record);
    let (done, verdict) = end(&record, &word, 9);
    assert_eq!(verdict, FinishVerdict::Committed);
    assert_eq!(done.status, JobStatus::Replicated);
    assert_eq!(done.copy_progress, 100);
    assert_eq!(done.image, Some(record.attempt_image()));
    assert!(done.is_over());
    assert_eq!(
        end(&done, &word, 10),
        (done.clone(), FinishVerdict::Committed)
    );
}

/// A copy that may be reused, under a lease.
fn reusing() -> JobRecord {
    let mut spec = sample::spec("here");
    spec.if_identical = IfIdentical::Reuse;
    leased(&sample::accepted_as(Task::Copy(spec)), 0)
}

/// The word that another job's image stands for the copy; nothing came of the attempt's own.
fn reused(record: &JobRecord) -> Finish {
    let image = sample::job_id(99).image_of_attempt(1);
    let mut word = finish_of(record, Outcome::Reused { image });
    word.settled.push(record.attempt_image());
    word
}

#[test]
fn an_image_is_held_before_it_is_reused() {
    let record = reusing();
    let word = reused(&record);
    let image = sample::job_id(99).image_of_attempt(1);
    let (held, verdict) = end(&record, &word, 1);
    assert_eq!(verdict, FinishVerdict::LookAgain);
    assert_eq!(
        (held.status, held.reused),
        (JobStatus::Replicating, Some(image))
    );
    let (done, verdict) = end(&held, &word, 2);
    assert_eq!(verdict, FinishVerdict::Committed);
    assert_eq!(
        (done.status, done.image),
        (JobStatus::Replicated, Some(image))
    );
    assert!(done.is_over() && done.reused == Some(image));
    assert_eq!(
        end(&done, &word, 3),
        (done.clone(), FinishVerdict::Committed)
    );
}

#[test]
fn an_image_that_is_not_reused_after_all_is_held_no_longer() {
    let (held, _) = end(&reusing(), &reused(&reusing()), 1);
    let word = |outcome| finish_of(&held, outcome);
    for outcome in [failed(true), failed(false), Outcome::HandedBack] {
        let (next, _) = end(&held, &word(outcome.clone()), 2);
        assert_eq!(next.reused, None, "{outcome:?}");
    }
    let image = held.attempt_image();
    let (unsettled, _) = end(
        &reusing(),
        &finish_of(&reusing(), reused(&reusing()).outcome),
        1,
    );
    let (copied, _) = end(
        &unsettled,
        &finish_of(&unsettled, Outcome::Replicated { image }),
        2,
    );
    assert_eq!((copied.image, copied.reused), (Some(image), None));

    let canceled = cancel(&held, at(2), &sample::rules()).expect("cancelable");
    let (canceled, verdict) = end(&canceled, &reused(&held), 3);
    assert_eq!(
        verdict,
        FinishVerdict::Committed,
        "there is nothing to be discarded"
    );
    assert_eq!(
        (canceled.status, canceled.reused),
        (JobStatus::Canceled, None)
    );
}

#[test]
fn nothing_is_reused_for_who_asked_for_a_copy() {
    let record = sample::granted();
    let (refused, verdict) = end(&record, &reused(&record), 1);
    assert_eq!(verdict, FinishVerdict::Committed);
    assert_eq!((refused.status, refused.reused), (JobStatus::Error, None));
}

#[test]
fn an_adopted_leftover_becomes_the_image_and_the_attempts_own_stays_to_be_cleaned() {
    let first = sample::granted();
    let lapsed = lapse(&first, at(30), Jitter(0.0), &sample::rules()).expect("expired");
    let second = leased(&lapsed, 31);
    let image = first.attempt_image();
    let (done, _) = end(
        &second,
        &finish_of(&second, Outcome::Replicated { image }),
        40,
    );
    assert_eq!(done.image, Some(image));
    assert_eq!(done.leftovers, [second.attempt_image()]);
    assert_eq!(done.unit(), Some(UnitKind::CleanUp));
    let cleaning = leased(&done, 41);
    let mut word = finish_of(&cleaning, Outcome::Cleaned);
    word.settled = vec![second.attempt_image()];
    let (clean, _) = end(&cleaning, &word, 42);
    assert!(clean.is_over());
    assert_eq!(clean.status, JobStatus::Replicated);
    assert_eq!(clean.image, Some(image));
}

#[test]
fn a_copy_that_differs_twice_is_an_error() {
    let differs = || Outcome::Failed {
        error: JobError::new(ErrorCode::VerificationFailed, "the hashes differ"),
        transient: true,
    };
    let first = sample::granted();
    let (backed_off, _) = end(&first, &finish_of(&first, differs()), 1);
    assert_eq!(backed_off.status, JobStatus::Replicating);
    let second = leased(&promote(&backed_off, at(600)).expect("over"), 600);
    let (given_up, _) = end(&second, &finish_of(&second, differs()), 601);
    assert_eq!(given_up.status, JobStatus::Error);
    assert_eq!(
        given_up.error.map(|error| error.code),
        Some(ErrorCode::VerificationFailed)
    );
}

#[test]
fn a_late_finish_of_a_taken_over_attempt_is_superseded() {
    let first = sample::granted();
    let lapsed = lapse(&first, at(30), Jitter(0.0), &sample::rules()).expect("expired");
    let second = leased(&lapsed, 31);
    let late = replicated(&first);
    assert_eq!(
        end(&second, &late, 32),
        (second.clone(), FinishVerdict::Superseded)
    );
    // Until somebody takes over, the old token still finishes.
    assert_eq!(end(&lapsed, &late, 32).0.status, JobStatus::Replicated);
}

#[test]
fn transient_failures_back_off_until_they_are_too_many() {
    let rules = sample::rules();
    let mut record = sample::granted();
    for failure in 1..rules.max_attempts {
        let (failed, _) = end(&record, &finish_of(&record, failed(true)), 1);
        assert_eq!(failed.status, JobStatus::Replicating);
        assert_eq!(failed.failures, failure);
        let until = failed.waiting_until.expect("backs off");
        record = leased(&promote(&failed, until).expect("over"), 2);
    }
    let (over, _) = end(&record, &finish_of(&record, failed(true)), 3);
    assert_eq!(over.status, JobStatus::Error);
    assert_eq!(over.leftovers.len(), 5);
    assert_eq!(over.view().expect("a copy").destination_image_id, None);
}

#[test]
fn a_final_failure_is_an_error_at_once_and_what_is_settled_is_forgotten() {
    let record = sample::granted();
    let mut word = finish_of(&record, failed(false));
    word.settled = vec![record.attempt_image()];
    let (over, _) = end(&record, &word, 1);
    assert_eq!(over.status, JobStatus::Error);
    assert!(over.is_over());
}

#[test]
fn a_unit_that_is_handed_back_counts_for_nothing() {
    let record = sample::granted();
    let (back, _) = end(&record, &finish_of(&record, Outcome::HandedBack), 1);
    assert_eq!((back.failures, back.lost_leases), (0, 0));
    assert_eq!((back.waiting_until, back.lease.clone()), (None, None));
    assert_eq!(back.unit(), Some(UnitKind::Copy));
    assert_eq!(
        leased(&back, 2).leftovers_for_holder(),
        [record.attempt_image()]
    );
}

#[test]
fn a_copy_that_is_ready_after_a_cancel_is_discarded_and_then_cleaned() {
    let rules = sample::rules();
    let canceled = cancel(&sample::granted(), at(1), &rules).expect("cancelable");
    let (discarded, verdict) = end(&canceled, &replicated(&canceled), 2);
    assert_eq!(verdict, FinishVerdict::Discard);
    assert_eq!(discarded.status, JobStatus::Canceling);
    assert!(discarded.held_lease().is_some());
    let mut word = finish_of(&discarded, Outcome::Cleaned);
    word.settled = vec![discarded.attempt_image()];
    let (clean, verdict) = end(&discarded, &word, 3);
    assert_eq!(verdict, FinishVerdict::Committed);
    assert_eq!(clean.status, JobStatus::Canceled);
    assert!(clean.is_over());
}

#[test]
fn a_clean_up_with_something_left_is_tried_again_without_limit() {
    let rules = sample::rules();
    let canceled = cancel(&sample::failed_once(), at(1), &rules).expect("cancelable");
    let mut record = leased(&canceled, 2);
    assert_eq!(record.status, JobStatus::Canceling);
    for _ in 0..40 {
        let (left, _) = end(&record, &finish_of(&record, failed(false)), 3);
        assert_eq!(left.status, JobStatus::Canceling);
        let until = left.waiting_until.expect("backs off");
        record = leased(&promote(&left, until).expect("over"), 4);
    }
}

#[test]
fn a_copy_that_is_ready_after_the_deadline_is_discarded() {
    let late = give_up_when_due(&sample::granted(), at(700_000)).expect("due");
    let (kept, verdict) = end(&late, &replicated(&late), 700_001);
    assert_eq!(verdict, FinishVerdict::Discard);
    assert_eq!(kept.status, JobStatus::Error);
    assert!(kept.held_lease().is_some());
}

#[test]
fn an_image_that_was_never_granted_is_not_believed() {
    let record = sample::granted();
    let image = record.id.image_of_attempt(77);
    let (over, _) = end(
        &record,
        &finish_of(&record, Outcome::Replicated { image }),
        1,
    );
    assert_eq!(over.status, JobStatus::Error);
    assert_eq!(over.leftovers, [record.attempt_image()]);
}

fn resolved() -> Outcome {
    Outcome::Resolved {
        images: vec![ResolvedImage::Refused(JobError::new(
            ErrorCode::SourceGone,
            "there is no such image",
        ))],
    }
}

#[test]
fn what_an_errand_came_to_is_kept_until_its_plan_is_told() {
    let fate = ReplicaFate::Kept("it is protected".to_owned());
    let Outcome::Resolved { images } = resolved() else {
        unreachable!("it is made above");
    };
    for (task, outcome, result) in [
        (
            sample::resolve(),
            resolved(),
            ErrandResult::Resolved(images),
        ),
        (
            sample::remove(),
            Outcome::Removed(fate.clone()),
            ErrandResult::Removed(fate),
        ),
    ] {
        let held = leased(&sample::accepted_as(task), 0);
        let word = finish_of(&held, outcome);
        let (done, verdict) = end(&held, &word, 1);
        assert_eq!(verdict, FinishVerdict::Committed);
        assert_eq!(done.status, JobStatus::Replicated);
        assert_eq!(done.errand_result, Some(result));
        assert_eq!(done.untold_plan(), Some(sample::plan_id()));
        assert!(!done.is_over());
        assert_eq!(
            end(&done, &word, 2),
            (done.clone(), FinishVerdict::Committed)
        );
        let told = plan_told(&done).expect("it was not told");
        assert!(told.is_over());
        assert_eq!(plan_told(&told), None);
    }
}

#[test]
fn what_an_operators_errand_came_to_is_kept_as_long_as_a_finished_job() {
    let found = OrphansFound {
        is_cut_off: true,
        ..OrphansFound::default()
    };
    for (task, outcome, result) in [
        (
            sample::find_orphans(),
            Outcome::OrphansFound(found.clone()),
            ErrandResult::OrphansFound(found),
        ),
        (
            sample::remove_orphan(),
            Outcome::Removed(ReplicaFate::Gone),
            ErrandResult::Removed(ReplicaFate::Gone),
        ),
    ] {
        let held = leased(&sample::accepted_as(task), 0);
        let (done, _) = end(&held, &finish_of(&held, outcome), 1);
        assert_eq!(done.status, JobStatus::Replicated);
        assert_eq!(done.errand_result, Some(result));
        // Nobody's plan waits for it: the janitor takes it when its time has come.
        assert!(done.is_over());
    }
}

#[test]
fn an_errand_that_fails_is_tried_again_as_a_copy_is() {
    let rules = sample::rules();
    let mut record = leased(&sample::accepted_as(sample::remove()), 0);
    for _ in 1..rules.max_attempts {
        let (failed, _) = end(&record, &finish_of(&record, failed(true)), 1);
        let until = failed.waiting_until.expect("backs off");
        record = leased(&promote(&failed, until).expect("over"), 2);
    }
    let (over, _) = end(&record, &finish_of(&record, failed(true)), 3);
    assert_eq!(over.status, JobStatus::Error);
    assert_eq!(over.unit(), None);
    assert_eq!(over.errand_result, None);
    assert_eq!(over.untold_plan(), Some(sample::plan_id()));
}

#[test]
fn a_removal_that_was_called_off_too_late_is_told_to_its_plan() {
    let held = leased(&sample::accepted_as(sample::remove()), 0);
    let canceled = cancel(&held, at(1), &sample::rules()).expect("cancelable");
    let word = finish_of(&canceled, Outcome::Removed(ReplicaFate::Gone));
    let (over, _) = end(&canceled, &word, 2);
    let gone = Some(ErrandResult::Removed(ReplicaFate::Gone));
    assert_eq!(
        (over.status, &over.errand_result),
        (JobStatus::Canceled, &gone)
    );
    assert!(over.untold_plan().is_some());
}

#[test]
fn an_end_that_is_another_tasks_is_not_believed() {
    let image = ImageId::from_uuid(uuid::Uuid::from_u128(1));
    let replicated = || Outcome::Replicated { image };
    let removed = || Outcome::Removed(ReplicaFate::Gone);
    let found = || Outcome::OrphansFound(OrphansFound::default());
    let errand = |task| leased(&sample::accepted_as(task), 0);
    for (record, outcome) in [
        (sample::granted(), resolved()),
        (sample::granted(), removed()),
        (errand(sample::resolve()), replicated()),
        (errand(sample::resolve()), removed()),
        (errand(sample::remove()), replicated()),
        (errand(sample::remove()), resolved()),
        (errand(sample::find_orphans()), removed()),
        (errand(sample::remove_orphan()), found()),
        (sample::granted(), found()),
    ] {
        let (over, verdict) = end(&record, &finish_of(&record, outcome), 1);
        assert_eq!(verdict, FinishVerdict::Committed);
        let code = over.error.as_ref().map(|error| error.code);
        assert_eq!(code, Some(ErrorCode::Internal));
        assert_eq!(over.errand_result, None);
    }
}

#[test]
fn a_canceled_errand_ends_with_its_attempt_whatever_it_found() {
    let rules = sample::rules();
    for outcome in [resolved(), failed(true), Outcome::HandedBack] {
        let held = leased(&sample::accepted_as(sample::resolve()), 0);
        let canceled = cancel(&held, at(1), &rules).expect("cancelable");
        let (over, verdict) = end(&canceled, &finish_of(&canceled, outcome), 2);
        assert_eq!(verdict, FinishVerdict::Committed);
        assert_eq!(over.status, JobStatus::Canceled);
        assert_eq!(over.errand_result, None);
    }
}

#[test]
fn every_status_takes_every_outcome() {
    let rules = sample::rules();
    let running = sample::granted();
    let canceled = cancel(&running, at(1), &rules).expect("cancelable");
    let given_up = give_up_when_due(&running, at(700_000)).expect("due");
    let cleaning = leased(
        &cancel(&sample::failed_once(), at(1), &rules).expect("cancelable"),
        2,
    );
    let errands = [sample::resolve(), sample::remove()]
        .map(|task| leased(&sample::accepted_as(task), 0))
        .map(|held| {
            let canceled = cancel(&held, at(1), &rules).expect("cancelable");
            let given_up = give_up_when_due(&held, at(700_000)).expect("due");
            [held, canceled, given_up]
        });
    let copies = [running, canceled, given_up, cleaning];
    for record in copies.into_iter().chain(errands.into_iter().flatten()) {
        let image = record.attempt_image();
        for outcome in [
            Outcome::Replicated { image },
            resolved(),
            Outcome::Removed(ReplicaFate::Gone),
            failed(true),
            failed(false),
            Outcome::Cleaned,
            Outcome::HandedBack,
        ] {
            let word = finish_of(&record, outcome);
            let (next, verdict) = end(&record, &word, 3);
            let kept = next.lease.is_some();
            assert_eq!(kept, verdict == FinishVerdict::Discard);
        }
    }
}
