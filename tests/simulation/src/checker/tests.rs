//! Each violation is planted in evidence that is otherwise sound, and found.

use domain::{CopySpec, Destination, IfIdentical, ImageDigest, RegionId, Source, TenantId, UserId};
use uuid::Uuid;

use super::*;
use crate::caller::Observed;

fn job() -> JobId {
    JobId::from_uuid(Uuid::from_u128(1))
}

fn other_job() -> JobId {
    JobId::from_uuid(Uuid::from_u128(3))
}

fn image(attempt: u32) -> ImageId {
    job().image_of_attempt(attempt)
}

fn seen(status: JobStatus, progress: u8) -> Observed {
    let image = (status == JobStatus::Replicated).then(|| image(2));
    Observed {
        status,
        progress,
        image,
    }
}

fn replica() -> Replica {
    Replica {
        active: true,
        hidden: false,
        owner: Some(TenantId::new("there")),
        size: Some(7),
        hash: Some("abc".to_owned()),
    }
}

/// A job that was replicated in its second attempt.
fn sound() -> Evidence {
    let spec = CopySpec {
        source: Source {
            region: RegionId::new("ot1"),
            tenant: TenantId::new("here"),
            image: ImageId::from_uuid(Uuid::from_u128(2)),
        },
        source_image_name: "image".to_owned(),
        source_digest: ImageDigest {
            size_bytes: 7,
            checksum: None,
            os_hash_algo: Some("sha512".to_owned()),
            os_hash_value: Some("abc".to_owned()),
        },
        destination: Destination {
            region: RegionId::new("ot2"),
            tenant: TenantId::new("there"),
        },
        if_identical: IfIdentical::Copy,
        requested_by: UserId::new("alice"),
        traceparent: None,
        plan_id: None,
        retry_of: None,
    };
    let story = Story {
        job: job(),
        key: Some("key".to_owned()),
        tried: vec![other_job(), job()],
        is_refused: false,
        spec,
        accepted: true,
        observed: vec![
            seen(JobStatus::ReplicateRequested, 0),
            seen(JobStatus::Replicating, 40),
            seen(JobStatus::Replicated, 100),
        ],
        cancel: None,
        there_when_canceled: Vec::new(),
    };
    let ending = Ending {
        status: JobStatus::Replicated,
        image: Some(image(2)),
        leased: false,
        leftovers: Vec::new(),
        error: None,
    };
    Evidence {
        stories: vec![story],
        jobs: [(job(), ending)].into(),
        images: [(image(2), replica())].into(),
        sources: [(ImageId::from_uuid(Uuid::from_u128(2)), "abc".to_owned())].into(),
        commits: vec![
            (job(), JobStatus::ReplicateRequested, JobStatus::Replicating),
            (job(), JobStatus::Replicating, JobStatus::Replicated),
        ],
        ..Evidence::default()
    }
}

/// The evidence with one thing changed, and what the checker says of it.
fn planted(plant: impl FnOnce(&mut Evidence)) -> Vec<Violation> {
    let mut evidence = sound();
    plant(&mut evidence);
    check(&evidence)
}

fn ending(evidence: &mut Evidence) -> &mut Ending {
    evidence.jobs.get_mut(&job()).expect("planted above")
}

fn the_image(evidence: &mut Evidence) -> &mut Replica {
    evidence.images.get_mut(&image(2)).expect("planted above")
}

fn bad(problem: &'static str) -> Vec<Violation> {
    vec![Violation::BadImage {
        job: job(),
        image: image(2),
        problem,
    }]
}

#[test]
fn a_sound_run_has_no_violation() {
    assert_eq!(check(&sound()), []);
}

#[test]
fn a_lost_job_and_one_without_an_end() {
    let lost = planted(|it| {
        it.jobs.clear();
        it.images.clear();
    });
    assert_eq!(lost, [Violation::Lost(job())]);
    let endless = planted(|it| {
        it.stories[0].observed.pop();
        it.images.clear();
        ending(it).status = JobStatus::Replicating;
    });
    assert_eq!(
        endless,
        [Violation::NotFinal(job(), JobStatus::Replicating)]
    );
}

#[test]
fn a_job_that_was_never_accepted_need_not_exist() {
    let refused = planted(|it| {
        it.stories[0].accepted = false;
        it.stories[0].observed.clear();
        it.jobs.clear();
        it.images.clear();
    });
    assert_eq!(refused, []);
}

#[test]
fn status_and_progress_that_go_back() {
    use JobStatus::{Canceling, Error, Replicated, Replicating};
    let back = planted(|it| it.stories[0].observed.swap(0, 1));
    assert!(back.contains(&Violation::Backward(
        job(),
        Replicating,
        JobStatus::ReplicateRequested
    )));
    assert!(back.contains(&Violation::ProgressFell(job(), 40, 0)));
    let committed = planted(|it| it.commits.push((job(), Canceling, Replicating)));
    assert_eq!(
        committed,
        [Violation::Backward(job(), Canceling, Replicating)]
    );
    let changed_its_mind = planted(|it| {
        it.images.clear();
        *ending(it) = Ending {
            status: Error,
            image: None,
            ..ending(it).clone()
        };
    });
    let removed = Violation::Removed(job(), image(2));
    assert_eq!(
        changed_its_mind,
        [Violation::Backward(job(), Replicated, Error), removed]
    );
    let early = planted(|it| it.stories[0].observed[1].progress = 100);
    assert_eq!(early, [Violation::WrongProgress(job(), Replicating, 100)]);
}

#[test]
fn an_image_that_is_missing_wrong_or_not_shown() {
    let gone = planted(|it| it.images.clear());
    let removed = Violation::Removed(job(), image(2));
    assert_eq!(gone, [bad("does not exist"), vec![removed]].concat());
    assert_eq!(
        planted(|it| ending(it).image = None)[0],
        Violation::NoImage(job())
    );
    assert_eq!(
        planted(|it| the_image(it).active = false),
        bad("is not active")
    );
    assert_eq!(
        planted(|it| the_image(it).size = Some(6)),
        bad("has another size than its source")
    );
    assert_eq!(
        planted(|it| the_image(it).hash = Some("abd".to_owned())),
        bad("has other bytes than its source")
    );
    assert_eq!(
        planted(|it| the_image(it).owner = Some(TenantId::new("elsewhere"))),
        bad("belongs to another tenant")
    );
    assert_eq!(
        planted(|it| the_image(it).hidden = true),
        bad("was not revealed")
    );
}

#[test]
fn an_image_too_many() {
    let spare = planted(|it| it.images.extend([(image(1), replica())]));
    assert_eq!(
        spare,
        [Violation::SpareImage {
            job: job(),
            status: JobStatus::Replicated,
            image: image(1)
        }]
    );
    let nobodys = ImageId::from_uuid(Uuid::from_u128(99));
    let orphan = planted(|it| it.images.extend([(nobodys, replica())]));
    assert_eq!(orphan, [Violation::Orphan(nobodys)]);
}

#[test]
fn a_cancel_that_was_forgotten() {
    let forgotten = planted(|it| {
        it.stories[0].cancel = Some(CancelAnswer::Taken(JobStatus::CancelRequested));
    });
    assert_eq!(
        forgotten,
        [Violation::CancelForgotten(job(), JobStatus::Replicated)]
    );
    let too_late = planted(|it| it.stories[0].cancel = Some(CancelAnswer::TooLate));
    assert_eq!(too_late, []);
}

#[test]
fn an_image_that_was_there_when_its_job_was_canceled() {
    let early = planted(|it| it.stories[0].there_when_canceled.push(image(1)));
    assert_eq!(early, [Violation::CanceledTooEarly(job(), image(1))]);
}

#[test]
fn what_is_left_in_the_store() {
    assert_eq!(
        planted(|it| ending(it).leased = true),
        [Violation::Leased(job())]
    );
    assert_eq!(
        planted(|it| ending(it).leftovers.push(image(1))),
        [Violation::Leftovers(job())]
    );
    let entry = "a waiting job".to_owned();
    assert_eq!(
        planted(|it| it.index_entries.extend([entry.clone()])),
        [Violation::IndexEntry(entry.clone())]
    );
    assert_eq!(
        planted(|it| it.remains.extend([entry.clone()])),
        [Violation::Remains(entry)]
    );
}

#[test]
fn a_service_that_ends_by_itself() {
    let name = "worker 1".to_owned();
    assert_eq!(
        planted(|it| it.broken.push(name.clone())),
        [Violation::Broken(name)]
    );
}

#[test]
fn a_worker_that_goes_on() {
    let name = "worker 1".to_owned();
    assert_eq!(
        planted(|it| it.restless.push(name.clone())),
        [Violation::Restless(name)]
    );
}

#[test]
fn a_key_that_made_two_jobs() {
    let two = planted(|it| {
        let ending = ending(it).clone();
        it.jobs.insert(other_job(), ending);
    });
    assert_eq!(two, [Violation::KeyMadeTwo(job(), other_job())]);
}

#[test]
fn a_store_that_fell_back_excuses_what_nobody_was_answered_for_and_nothing_else() {
    let back = |it: &mut Evidence| it.stories[0].observed.swap(0, 1);
    let excused = planted(|it| {
        back(it);
        it.fell_back = true;
        it.taken_back.insert(job());
    });
    assert_eq!(excused, []);
    let found = planted(|it| {
        back(it);
        it.fell_back = true;
    });
    let (from, to) = (JobStatus::Replicating, JobStatus::ReplicateRequested);
    assert_eq!(found, [Violation::Backward(job(), from, to)]);
}

#[test]
fn what_was_seen_at_any_moment_counts() {
    let moment = Violation::Forgotten(job(), image(1));
    assert_eq!(planted(|it| it.found.push(moment.clone())), [moment]);
}
