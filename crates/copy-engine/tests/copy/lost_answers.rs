//! Every request fails once, before and after it was done; the next attempt makes it good.

use copy_engine::Ended;
use futures::future::join_all;

use crate::fake_glance::{Fault, Operation};
use crate::rig::Rig;

#[tokio::test]
async fn whatever_request_fails_two_attempts_leave_exactly_one_image() {
    let faults = [
        Fault::Ignore,
        Fault::LoseAnswer,
        Fault::GarbleAnswer,
        Fault::Refuse(503, "busy"),
        Fault::Refuse(500, "broken"),
    ];
    for operation in [
        Operation::Show,
        Operation::Create,
        Operation::Upload,
        Operation::Patch,
        Operation::Delete,
    ] {
        let cases = faults.iter().flat_map(|fault| {
            (1..=2).map(move |failing| one_image_in_the_end(operation, fault, failing))
        });
        join_all(cases).await;
    }
}

/// The first `failing` requests of the kind fail, in a copy whose first attempt is its second: so
/// that burying and deleting are among its requests.
async fn one_image_in_the_end(operation: Operation, fault: &Fault, failing: usize) {
    let context = format!("{operation:?} {fault:?} {failing}");
    let rig = Rig::with_bytes(1_000).await;
    for _ in 0..failing {
        rig.destination.plan(operation, fault.clone());
    }
    for attempt in 2..=4 {
        let run = rig.copy(attempt).await;
        match run.ended {
            Ended::Replicated { image } => {
                rig.assert_replica(image);
                return;
            }
            Ended::Failed(failure) => assert!(failure.transient, "{context}: {failure}"),
            other => panic!("{context}: {other:?}"),
        }
    }
    panic!("{context}: no attempt made it");
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_or_cannot_be_read_goes_on() {
    for fault in [Fault::LoseAnswer, Fault::GarbleAnswer] {
        let rig = Rig::new().await;
        rig.destination.plan(Operation::Create, fault);
        rig.copy(1).await.assert_replicated(rig.image(1));
        rig.assert_replica(rig.image(1));
    }
}

#[tokio::test]
async fn a_create_that_nobody_knows_of_is_never_called_settled_while_it_is_there() {
    for fault in [Fault::LoseAnswer, Fault::GarbleAnswer] {
        let rig = Rig::new().await;
        rig.destination.plan(Operation::Create, fault);
        // The look for the own image, the one after the create, and the one of the undo.
        rig.destination
            .plan(Operation::Show, Fault::Refuse(404, "not yet"));
        for _ in 0..2 {
            rig.destination
                .plan(Operation::Show, Fault::Refuse(503, "busy"));
        }
        let run = rig.copy(1).await;
        assert!(run.failure().1 && !run.has_settled(rig.image(1)));
        rig.copy(2).await.assert_replicated(rig.image(2));
        rig.assert_replica(rig.image(2));
    }
}

#[tokio::test]
async fn an_upload_whose_answer_was_lost_is_not_repeated() {
    let rig = Rig::new().await;
    rig.destination.plan(Operation::Upload, Fault::LoseAnswer);
    rig.copy(1).await.assert_replicated(rig.image(1));
    assert_eq!(rig.destination.count(Operation::Upload), 1);
}

#[tokio::test]
async fn an_outage_at_the_end_of_a_copy_does_not_cost_its_bytes() {
    // Of show, create, upload, show, patch.
    for first in [3, 4] {
        let rig = Rig::new().await;
        for request in first..first + 3 {
            rig.destination
                .plan_after(request, Fault::Refuse(503, "no"));
        }
        rig.copy(1).await.assert_replicated(rig.image(1));
        assert_eq!(rig.destination.count(Operation::Upload), 1);
        assert!(rig.destination.is_disturbed());
    }
}

/// Whether somebody else deletes it is not known, so nobody adopts it.
#[tokio::test]
async fn what_could_not_be_revealed_is_removed_and_copied_anew() {
    let rig = Rig::new().await;
    for _ in 0..4 {
        rig.destination
            .plan(Operation::Patch, Fault::Refuse(503, "no"));
    }
    let run = rig.copy(1).await;
    assert!(run.failure().1 && run.has_settled(rig.image(1)));
    rig.copy(2).await.assert_replicated(rig.image(2));
    rig.assert_replica(rig.image(2));
}
