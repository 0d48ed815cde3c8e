//! Every request of every kind of unit fails, is lost, doubled and late, and the worker crashes before and after it;
//! what is left in the end is always what an undisturbed job leaves.
//!
//! The requests are those that an undisturbed unit was seen to send, so that a new step is disturbed without anybody's
//! doing. The fake stands in because no real Glance fails at the request that is to fail; who goes on afterwards, with
//! which leftovers, is decided by the scheduler's own functions.

mod course;
mod disturbance;
mod drawn;
mod kinds;

use std::time::Duration;

use domain::JobStatus;
use futures::StreamExt;
use openstack::{HttpClient, HttpSettings};

use self::course::{Course, EndState, Ends, Memory};
use self::disturbance::Disturbance;
use self::kinds::Kind;
use crate::fake_glance::{FakeGlance, Operation};

/// Jobs that are disturbed at the same time.
const AT_ONCE: usize = 24;
/// A request that nobody answers is given up after so long. An undisturbed one that takes longer on a busy machine
/// is one disturbance more.
const PATIENCE: Duration = Duration::from_secs(3);

/// The two Glances of a job.
#[derive(Debug, Clone, Copy)]
enum Side {
    Source,
    Destination,
}

/// One thing that happens to one request.
#[derive(Debug, Clone, Copy)]
struct Case {
    kind: Kind,
    side: Side,
    request: usize,
    operation: Operation,
    disturbance: Disturbance,
}

impl Course {
    fn glance(&self, side: Side) -> &FakeGlance {
        match side {
            Side::Source => &self.rig.source,
            Side::Destination => &self.rig.destination,
        }
    }
}

fn client(settings: HttpSettings) -> HttpClient {
    openstack::install_crypto_provider();
    HttpClient::new(settings).expect("sound settings")
}

fn impatient() -> HttpClient {
    client(HttpSettings {
        response_timeout: PATIENCE,
        commit_timeout: PATIENCE,
        ..HttpSettings::default()
    })
}

/// Disturbs each request of an undisturbed unit, which must be these, at the source and at the destination.
async fn disturb(kind: Kind, at_source: &str, at_destination: &str) {
    use Operation::*;
    let (requests, expected) = undisturbed(kind).await;
    let seen = requests.each_ref().map(|(_, requests)| {
        let words = requests.iter().map(|operation| match operation {
            Show => "show",
            Create => "create",
            Patch => "patch",
            Delete => "delete",
            Download => "download",
            Upload => "upload",
        });
        let mut words: Vec<_> = words.collect();
        if kind == Kind::CanceledMidway {
            // It is looked at until the destination has noticed that the upload is closed.
            words.dedup();
        }
        words.join(" ")
    });
    assert_eq!(seen, [at_source, at_destination], "{kind:?}");

    let cases: Vec<Case> = requests
        .iter()
        .flat_map(|(side, requests)| cases(kind, *side, requests))
        .collect();
    let http = impatient();
    let disturbed = futures::stream::iter(&cases)
        .map(|case| one(*case, &http, &expected))
        .buffer_unordered(AT_ONCE);
    let number = disturbed.count().await;
    let wanted = requests.iter().flat_map(|(_, requests)| requests);
    let wanted = wanted.map(|operation| Disturbance::of(*operation, may_end(kind)).len());
    assert_eq!(number, wanted.sum::<usize>());
}

fn may_end(kind: Kind) -> bool {
    !kind.is_canceled() && !kind.is_removal()
}

fn cases(kind: Kind, side: Side, requests: &[Operation]) -> Vec<Case> {
    let numbered = requests.iter().copied().enumerate();
    numbered
        .flat_map(|(request, operation)| {
            let all = Disturbance::of(operation, may_end(kind)).into_iter();
            all.map(move |disturbance| Case {
                kind,
                side,
                request,
                operation,
                disturbance,
            })
        })
        .collect()
}

/// What the unit asks for when nothing happens, and what its job leaves; also when the unit is done once more.
async fn undisturbed(kind: Kind) -> ([(Side, Vec<Operation>); 2], EndState) {
    let mut course = kind.course(&client(HttpSettings::default())).await;
    let sides = [Side::Source, Side::Destination];
    let before = sides.map(|side| course.glance(side).state().requests.len());
    let unit = course.unit(&Ends::default(), Memory::Told).await;
    let requests = [0, 1].map(|at| {
        let state = course.glance(sides[at]).state();
        (sides[at], state.requests[before[at]..].to_vec())
    });
    course.go_on().await;
    let end = course.end_state();
    assert!(course.record.is_over() || kind == Kind::Removal);
    match kind {
        Kind::Removal | Kind::OrphanRemoval => {
            assert_eq!(end.status, JobStatus::Replicated);
            assert_eq!(end.images.len(), 1);
            assert!(end.images[0].1 == b"new bytes");
        }
        _ if kind.is_canceled() => assert_eq!(end, nothing()),
        _ => {
            assert_eq!(end.status, JobStatus::Replicated);
            let image = course.record.image.expect("it has one");
            course.rig.assert_replica(image);
            let source = course.rig.source.image(course.rig.spec.source.image);
            let (attributes, source) = (&end.images[0].0, source.expect("it stays"));
            for same in ["name", "os_distro", "protected", "os_hidden", "min_disk"] {
                assert_eq!(attributes[same], source.attributes[same], "{same}");
            }
            assert_eq!(attributes["replicated_by_job"], course.rig.job.to_string());
        }
    }
    course.do_again(&unit.expect("there is one")).await;
    assert_eq!(course.end_state(), end, "done again");
    (requests, end)
}

/// A job that was canceled.
fn nothing() -> EndState {
    EndState {
        status: JobStatus::Canceled,
        images: Vec::new(),
    }
}

async fn one(case: Case, http: &HttpClient, expected: &EndState) {
    let mut course = case.kind.course(http).await;
    let (ends, half) = (Ends::default(), course.rig.data.len() / 2);
    let Case {
        side, disturbance, ..
    } = case;
    let fault = disturbance.fault(case.operation, half, &ends, &course.cancel);
    course.glance(side).plan_after(case.request, fault);
    course.unit(&ends, disturbance.memory()).await;
    course.go_on().await;
    assert!(course.glance(side).is_disturbed(), "{case:?} was not met");
    let late = course.glance(side).let_late_requests_come();
    if disturbance.is_left_for_the_end() {
        assert_eq!(late, 1, "{case:?}");
    }
    let end = course.end_state();
    let is_canceled = case.kind.is_canceled() || disturbance == Disturbance::Canceled;
    if disturbance == Disturbance::Canceled {
        assert_eq!(end, nothing(), "{case:?}");
    } else {
        assert_eq!(end, *expected, "{case:?}");
    }
    assert_eq!(course.record.leftovers, [], "{case:?}");
    if case.kind.is_removal() {
        return;
    }
    let state = course.rig.destination.state();
    let image = course.record.image.map(|image| image.to_string());
    let left = state.images.all().into_iter();
    let left: Vec<&str> = left.filter_map(|image| image.text("id")).collect();
    assert_eq!(Vec::from_iter(image.as_deref()), left, "{case:?}");
    if !is_canceled {
        // Its user may have been told of it, or another attempt be adopting it.
        let revealed = &state.images.deleted_revealed;
        assert!(
            revealed.is_empty(),
            "{case:?} deletes what users have: {revealed:?}"
        );
    }
}

#[tokio::test]
async fn a_first_copy() {
    disturb(
        Kind::First,
        "show download",
        "show create upload show patch",
    )
    .await;
}

#[tokio::test]
async fn a_copy_that_removes_half_a_leftover() {
    disturb(
        Kind::HalfLeftover,
        "show download",
        "show show patch delete create upload show patch",
    )
    .await;
}

#[tokio::test]
async fn a_copy_that_buries_an_id_that_nobody_has_seen() {
    disturb(
        Kind::UnseenLeftover,
        "show download",
        "show show create show delete create upload show patch",
    )
    .await;
}

#[tokio::test]
async fn a_copy_that_removes_a_whole_leftover_that_nobody_revealed() {
    disturb(
        Kind::UnrevealedLeftover,
        "show download",
        "show show patch delete show create show delete create upload show patch",
    )
    .await;
}

#[tokio::test]
async fn a_copy_that_adopts_what_its_users_have_already() {
    disturb(Kind::RevealedLeftover, "show", "show show patch show").await;
}

#[tokio::test]
async fn a_copy_that_the_worker_hashes() {
    disturb(
        Kind::Hashed,
        "show download",
        "show create upload show patch",
    )
    .await;
}

#[tokio::test]
async fn a_copy_that_is_read_in_ranges() {
    disturb(
        Kind::InRanges,
        "show download download",
        "show create upload show patch",
    )
    .await;
}

#[tokio::test]
async fn a_copy_that_is_read_back() {
    disturb(
        Kind::ReadBack,
        "show download",
        "show create upload show download patch",
    )
    .await;
}

#[tokio::test]
async fn a_copy_that_ends_protected_and_shared() {
    disturb(
        Kind::Protected,
        "show download",
        "show create upload show patch",
    )
    .await;
}

#[tokio::test]
async fn a_copy_that_is_canceled_in_its_middle() {
    disturb(
        Kind::CanceledMidway,
        "show download",
        "show create upload show patch delete",
    )
    .await;
}

#[tokio::test]
async fn a_copy_that_is_discarded() {
    disturb(
        Kind::Discarded,
        "show download",
        "show create upload show patch show patch delete",
    )
    .await;
}

#[tokio::test]
async fn a_clean_up_of_what_users_have() {
    disturb(
        Kind::CleanUp,
        "",
        "show patch delete show create show delete",
    )
    .await;
}

#[tokio::test]
async fn a_clean_up_of_half_an_image() {
    disturb(Kind::HalfCleanUp, "", "show patch delete").await;
}

#[tokio::test]
async fn the_removal_of_a_replica() {
    disturb(Kind::Removal, "", "show show show delete").await;
}

#[tokio::test]
async fn the_removal_of_an_orphan() {
    disturb(Kind::OrphanRemoval, "", "show patch delete").await;
}
