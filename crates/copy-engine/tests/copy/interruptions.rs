//! Cancel cleans; a hand-back keeps what is whole; stop and a closed gate touch nothing.

use copy_engine::{Ended, Withheld, WriteGate};
use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::fake_glance::{Fault, Operation};
use crate::rig::{RefuseAfter, Rig};

/// A copy that is held in the middle of its upload.
async fn held_in_mid_copy() -> (Rig, tokio::task::JoinHandle<crate::rig::Run>) {
    let mut rig = Rig::new().await;
    rig.settings.idle_timeout = std::time::Duration::from_secs(60);
    rig.source
        .plan(Operation::Download, Fault::HangAfter(150_000));
    let image = rig.image(1);
    let copy = rig.spawn_copy(1);
    rig.destination
        .until(|state| {
            state
                .images
                .get(image)
                .is_some_and(|image| image.status() == "saving")
        })
        .await;
    (rig, copy)
}

#[tokio::test]
async fn a_cancel_in_mid_copy_leaves_nothing() {
    let (rig, copy) = held_in_mid_copy().await;
    rig.signals.cancel.cancel();
    let run = copy.await.expect("it does not panic");
    assert_eq!(run.ended, Ended::Cleaned);
    rig.assert_empty();
    assert!(run.has_settled(rig.image(1)));
}

#[tokio::test]
async fn a_stop_in_mid_copy_closes_the_upload_and_touches_nothing() {
    let (rig, copy) = held_in_mid_copy().await;
    let writes = rig.destination.writes();
    rig.signals.stop.cancel();
    let run = copy.await.expect("it does not panic");
    assert_eq!(run.ended, Ended::Stopped);
    assert!(!run.has_settled(rig.image(1)));
    let image = rig.image(1);
    rig.destination
        .until(|state| {
            state
                .images
                .get(image)
                .is_some_and(|image| image.status() == "queued")
        })
        .await;
    assert_eq!(rig.destination.writes(), writes);
}

#[tokio::test]
async fn a_hand_back_in_mid_copy_leaves_nothing_for_the_next() {
    let (rig, copy) = held_in_mid_copy().await;
    rig.signals.hand_back.cancel();
    let run = copy.await.expect("it does not panic");
    assert_eq!(run.ended, Ended::HandedBack);
    assert!(run.has_settled(rig.image(1)));
    rig.assert_empty();
}

/// A copy whose upload is complete at the destination, which has not answered yet.
async fn held_while_storing() -> (Rig, tokio::task::JoinHandle<crate::rig::Run>) {
    let mut rig = Rig::new().await;
    rig.settings.idle_timeout = std::time::Duration::from_secs(60);
    rig.destination
        .plan(Operation::Upload, Fault::StoreOnceAskedFor);
    let copy = rig.spawn_copy(1);
    rig.destination.until(|state| state.uploads_read == 1).await;
    (rig, copy)
}

#[tokio::test]
async fn what_became_whole_after_a_hand_back_is_removed_and_copied_anew() {
    let (mut rig, copy) = held_while_storing().await;
    rig.signals.hand_back.cancel();
    let run = copy.await.expect("it does not panic");
    assert_eq!(run.ended, Ended::HandedBack);
    assert!(run.has_settled(rig.image(1)));

    rig.signals = copy_engine::Signals::default();
    rig.copy(2).await.assert_replicated(rig.image(2));
    rig.assert_replica(rig.image(2));
}

#[tokio::test]
async fn what_became_whole_after_a_cancel_goes() {
    let (rig, copy) = held_while_storing().await;
    rig.signals.cancel.cancel();
    let run = copy.await.expect("it does not panic");
    assert_eq!(run.ended, Ended::Cleaned);
    assert!(run.has_settled(rig.image(1)));
    rig.assert_empty();
}

#[tokio::test]
async fn a_cancel_before_the_start_makes_nothing_and_settles_everything() {
    let rig = Rig::new().await;
    rig.signals.cancel.cancel();
    let run = rig.copy(2).await;
    assert_eq!(run.ended, Ended::Cleaned);
    assert!(run.has_settled(rig.image(1)) && run.has_settled(rig.image(2)));
    rig.assert_empty();
    assert_eq!(rig.destination.count(Operation::Upload), 0);
}

#[tokio::test]
async fn a_refused_write_is_the_last_thing_that_is_asked_for() {
    let whole = Rig::new().await;
    whole.copy(2).await.assert_replicated(whole.image(2));
    let writes = whole.destination.writes();
    assert!(
        writes >= 5,
        "a tombstone, its delete, create, upload, patch"
    );
    for allowed in 0..writes {
        let rig = Rig::new().await;
        let gate = RefuseAfter {
            destination: &rig.destination,
            writes: allowed,
        };
        let run = rig.copy_gated(2, &gate).await;
        assert_eq!(run.ended, Ended::Stopped);
        assert_eq!(rig.destination.writes(), allowed);
    }
}

/// Opens when told.
struct Closed(watch::Receiver<bool>);

impl WriteGate for Closed {
    fn permit(&self) -> BoxFuture<'_, Result<(), Withheld>> {
        let mut open = self.0.clone();
        Box::pin(async move {
            open.wait_for(|open| *open)
                .await
                .map(drop)
                .map_err(|_| Withheld)
        })
    }
}

#[tokio::test]
async fn a_write_waits_for_the_gate() {
    let rig = Rig::new().await;
    let (open, gate) = watch::channel(false);
    let gate = Closed(gate);
    let opening = async {
        rig.source
            .until(|state| state.requests == [Operation::Show])
            .await;
        assert_eq!(rig.destination.writes(), 0);
        open.send(true).expect("the gate is there");
    };
    let (run, ()) = tokio::join!(rig.copy_gated(1, &gate), opening);
    run.assert_replicated(rig.image(1));
}
