//! What earlier attempts left is adopted or removed for good.

use copy_engine::{Ended, Order, REPLICATED_STATE, Ungated};
use serde_json::{Value, json};

use crate::fake_glance::{FakeImage, Fault, Operation};
use crate::rig::{Rig, TENANT};

fn made_by_attempt(rig: &Rig, attempt: u32) -> FakeImage {
    FakeImage::active(rig.image(attempt), TENANT, &rig.data).with("os_hidden", true)
}

#[tokio::test]
async fn a_complete_leftover_is_adopted_and_revealed() {
    let rig = Rig::new().await;
    rig.destination.put(made_by_attempt(&rig, 1));
    let run = rig.copy(3).await;
    run.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
    assert_eq!(run.progress.steps().image, Some(rig.image(1)));
    assert!(!run.has_settled(rig.image(1)));
    assert!(run.has_settled(rig.image(2)) && run.has_settled(rig.image(3)));
    assert_eq!(rig.destination.count(Operation::Upload), 0);
}

#[tokio::test]
async fn a_complete_leftover_is_adopted_even_when_its_source_is_gone() {
    let rig = Rig::new().await;
    rig.destination.put(made_by_attempt(&rig, 1));
    rig.source
        .state()
        .images
        .delete(&rig.spec.source.image.to_string())
        .expect("it is there");
    rig.copy(2).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
}

#[tokio::test]
async fn an_image_that_this_attempt_made_before_is_adopted_and_never_deleted() {
    // The scheduler's store fell back to a state before this attempt was granted: its image is
    // delivered, and its user may have deleted the source since.
    for is_source_there in [true, false] {
        let rig = Rig::new().await;
        rig.copy(2).await.assert_replicated(rig.image(2));
        let deletes = rig.destination.count(Operation::Delete);
        if !is_source_there {
            let mut state = rig.source.state();
            let source = rig.spec.source.image.to_string();
            state.images.delete(&source).expect("it is there");
        }
        let run = rig.copy(2).await;
        run.assert_replicated(rig.image(2));
        assert!(!run.has_settled(rig.image(2)));
        rig.assert_replica(rig.image(2));
        assert_eq!(rig.destination.count(Operation::Delete), deletes);
        assert_eq!(rig.destination.count(Operation::Upload), 1);
    }
}

#[tokio::test]
async fn an_image_of_this_attempt_that_shows_only_after_the_create_is_not_deleted() {
    let rig = Rig::new().await;
    rig.destination.put(made_by_attempt(&rig, 1));
    // Shown as absent, so that the create gets a 409.
    rig.destination
        .plan(Operation::Show, Fault::Refuse(404, "not yet"));
    let run = rig.copy(1).await;
    assert!(run.failure().1 && !run.has_settled(rig.image(1)));
    assert_eq!(rig.destination.count(Operation::Delete), 0);
    rig.copy(2).await.assert_replicated(rig.image(1));
}

#[tokio::test]
async fn what_this_attempt_began_before_is_completed() {
    let rig = Rig::new().await;
    let begun = FakeImage::queued(rig.image(1), TENANT).with("os_hidden", true);
    rig.destination.put(begun);
    rig.copy(1).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
}

#[tokio::test]
async fn a_leftover_that_another_worker_still_uploads_is_waited_for_and_adopted() {
    let mut rig = Rig::new().await;
    rig.settings.idle_timeout = std::time::Duration::from_secs(60);
    let mut uploading = made_by_attempt(&rig, 1);
    uploading.set_status("saving");
    rig.destination.put(uploading);
    let copy = rig.spawn_copy(2);
    let shows =
        |requests: &[Operation]| requests.iter().filter(|op| **op == Operation::Show).count();
    rig.destination
        .until(|state| shows(&state.requests) >= 4)
        .await;
    rig.destination.put(made_by_attempt(&rig, 1));
    copy.await
        .expect("no panic")
        .assert_replicated(rig.image(1));
    assert_eq!(rig.destination.count(Operation::Delete), 0);
}

/// Somebody may have seen it unfinished and sent a delete; the mark went when its upload ended.
#[tokio::test]
async fn a_complete_leftover_that_nobody_has_revealed_is_not_adopted() {
    let rig = Rig::new().await;
    rig.destination
        .put(made_by_attempt(&rig, 1).with(REPLICATED_STATE, "unverified"));
    let run = rig.copy(2).await;
    run.assert_replicated(rig.image(2));
    assert!(run.has_settled(rig.image(1)));
    rig.assert_replica(rig.image(2));
}

/// It was sent before whoever made the image revealed it, and arrives afterwards.
#[tokio::test]
async fn a_late_mark_does_not_touch_an_image_that_was_revealed() {
    let rig = Rig::new().await;
    rig.destination.put(
        FakeImage::queued(rig.image(1), TENANT)
            .with("replicated_by_job", rig.job.to_string())
            .with(REPLICATED_STATE, "unverified"),
    );
    rig.destination.plan(Operation::Patch, Fault::Late(None));
    assert!(!rig.clean_up(1).await.has_settled(rig.image(1)));

    let made = made_by_attempt(&rig, 1).with("replicated_by_job", rig.job.to_string());
    rig.destination.put(made);
    assert_eq!(rig.destination.let_late_requests_come(), 1);
    rig.copy(2).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
}

/// Its delete may be on its way, sent when it was not complete yet.
#[tokio::test]
async fn a_complete_leftover_that_somebody_was_about_to_delete_is_not_adopted() {
    for attempt in [1, 2] {
        let rig = Rig::new().await;
        let job = rig.job.to_string();
        let begun = FakeImage::queued(rig.image(1), TENANT).with("replicated_by_job", job);
        rig.destination.put(begun);
        rig.destination
            .plan(Operation::Delete, Fault::Refuse(500, "frozen"));
        assert!(!rig.clean_up(1).await.has_settled(rig.image(1)));
        let marked = rig.destination.image(rig.image(1)).expect("not deleted");
        let mark = &marked.attributes["replicated_by_job"];
        // The worker that began it, and had lost its lease, completes it.
        rig.destination
            .put(made_by_attempt(&rig, 1).with("replicated_by_job", mark.clone()));
        let run = rig.copy(attempt).await;
        if attempt == 1 {
            assert!(run.failure().1);
        } else {
            run.assert_replicated(rig.image(2));
            assert!(run.has_settled(rig.image(1)));
        }
    }
}

#[tokio::test]
async fn of_two_complete_leftovers_one_stays() {
    let rig = Rig::new().await;
    rig.destination.put(made_by_attempt(&rig, 1));
    rig.destination
        .put(made_by_attempt(&rig, 2).with("protected", true));
    let run = rig.copy(3).await;
    run.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
    assert!(run.has_settled(rig.image(2)));
}

#[tokio::test]
async fn every_other_leftover_is_removed_before_the_copy() {
    let rig = Rig::new().await;
    let own = |status: &str| {
        let mut image = FakeImage::queued(rig.image(1), TENANT);
        image.set_status(status);
        image
    };
    let mut other_bytes = rig.data.clone();
    other_bytes[9] ^= 1;
    for leftover in [
        own("queued"),
        own("saving"),
        own("killed"),
        own("queued").with("protected", true),
        FakeImage::active(rig.image(1), TENANT, &other_bytes),
        FakeImage::active(rig.image(1), TENANT, &other_bytes).with("protected", true),
        FakeImage::active(rig.image(1), TENANT, b""),
        made_by_attempt(&rig, 1).with("status", "deactivated"),
    ] {
        let rig = Rig {
            job: rig.job,
            ..Rig::new().await
        };
        rig.destination.put(leftover.clone());
        let run = rig.copy(2).await;
        run.assert_replicated(rig.image(2));
        rig.assert_replica(rig.image(2));
        assert!(run.has_settled(rig.image(1)), "{:?}", leftover.attributes);
    }
}

#[tokio::test]
async fn an_id_that_never_was_is_buried_so_that_a_late_create_fails() {
    let rig = Rig::new().await;
    let run = rig.copy(2).await;
    run.assert_replicated(rig.image(2));
    assert!(run.has_settled(rig.image(1)));

    // The worker of attempt 1 froze before its create and wakes up now.
    let late = rig.copy(1).await;
    assert!(late.failure().1);
    rig.assert_replica(rig.image(2));
}

#[tokio::test]
async fn an_id_that_cannot_be_buried_for_want_of_quota_says_so_and_is_tried_again() {
    let rig = Rig::new().await;
    rig.destination
        .plan(Operation::Create, Fault::Refuse(413, "too many images"));
    let run = rig.copy(2).await;
    let (code, is_transient) = run.failure();
    assert_eq!(code, domain::ErrorCode::DestinationQuotaExceeded);
    assert!(is_transient && !run.has_settled(rig.image(1)));
    rig.copy(2).await.assert_replicated(rig.image(2));
}

#[tokio::test]
async fn an_id_that_was_deleted_before_is_settled_without_more() {
    let rig = Rig::new().await;
    rig.destination
        .state()
        .images
        .deleted
        .insert(rig.image(1).to_string());
    let run = rig.copy(2).await;
    run.assert_replicated(rig.image(2));
    assert!(run.has_settled(rig.image(1)));
}

/// A Glance that was killed in the middle of a DELETE shows the image for ever, and refuses to delete it once more.
#[tokio::test]
async fn an_image_that_glance_has_half_deleted_is_gone() {
    for is_replica in [true, false] {
        let rig = Rig::new().await;
        let half = made_by_attempt(&rig, 1).with("protected", false);
        rig.destination.put(half.with("status", "deleted"));
        let run = if is_replica {
            let run = rig.copy(2).await;
            run.assert_replicated(rig.image(2));
            run
        } else {
            rig.clean_up(1).await
        };
        assert!(run.has_settled(rig.image(1)));
        assert_eq!(
            rig.destination
                .image(rig.image(1))
                .map(|it| it.status().to_owned()),
            Some("deleted".to_owned())
        );
    }
}

#[tokio::test]
async fn a_create_that_comes_between_is_found_and_removed() {
    let rig = Rig::new().await;
    // Shown as absent, and there when it is to be buried.
    rig.destination.put(FakeImage::queued(rig.image(1), TENANT));
    for _ in 0..2 {
        rig.destination
            .plan(Operation::Show, Fault::Refuse(404, "not yet"));
    }
    let run = rig.copy(2).await;
    run.assert_replicated(rig.image(2));
    rig.assert_replica(rig.image(2));
}

#[tokio::test]
async fn images_that_are_not_the_jobs_own_are_never_touched() {
    let rig = Rig::new().await;
    let stranger = FakeImage::active(rig.image(1), "33333333333333333333333333333333", &rig.data);
    rig.destination.put(stranger);
    let forged = domain::JobId::generate().image_of_attempt(1);
    let inherited = FakeImage::active(forged, TENANT, &rig.data)
        .with("replicated_by_job", rig.job.to_string())
        .with("replicated_from_region", "ot1");
    rig.destination.put(inherited);
    let order = Order {
        leftovers: vec![rig.image(1), forged],
        ..rig.order(2)
    };
    let run = rig.copy_order(&order, &Ungated).await;
    run.assert_replicated(rig.image(2));
    let state = rig.destination.state();
    assert!(state.images.get(rig.image(1)).is_some() && state.images.get(forged).is_some());
    assert!(run.has_settled(rig.image(1)) && run.has_settled(forged));
}

#[tokio::test]
async fn a_clean_up_adopts_nothing_and_may_run_twice() {
    let rig = Rig::new().await;
    rig.destination
        .put(made_by_attempt(&rig, 1).with("protected", true));
    rig.signals.cancel.cancel();
    for _ in 0..2 {
        let run = rig.clean_up(3).await;
        assert_eq!(run.ended, Ended::Cleaned);
        for attempt in 1..=3 {
            assert!(run.has_settled(rig.image(attempt)));
        }
        rig.assert_empty();
    }
}

#[tokio::test]
async fn one_leftover_that_cannot_be_removed_does_not_keep_the_others() {
    let rig = Rig::new().await;
    for attempt in [1, 2] {
        rig.destination
            .put(FakeImage::queued(rig.image(attempt), TENANT));
    }
    rig.destination
        .plan(Operation::Delete, Fault::Refuse(500, "broken"));
    let run = rig.clean_up(2).await;
    assert_eq!(run.ended, Ended::Cleaned);
    assert!(!run.has_settled(rig.image(1)) && run.has_settled(rig.image(2)));

    let again = rig.clean_up(2).await;
    assert!(again.has_settled(rig.image(1)));
    rig.assert_empty();
}

#[tokio::test]
async fn a_leftover_of_an_old_source_is_compared_by_md5() {
    let mut rig = Rig::new().await;
    rig.change_source(|image| {
        let Value::Object(hashless) = json!({"os_hash_algo": null, "os_hash_value": null}) else {
            unreachable!("it is written as an object above")
        };
        let mut image = image;
        image.attributes.extend(hashless);
        image
    });
    rig.destination.put(made_by_attempt(&rig, 1));
    rig.copy(2).await.assert_replicated(rig.image(1));
}
