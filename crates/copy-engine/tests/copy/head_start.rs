//! What is done at the source while the destination is still being asked, and that it comes to nothing by itself.

use std::time::Duration;

use copy_engine::StreamBounds;
use domain::ErrorCode;
use tokio_util::sync::CancellationToken;

use crate::fake_glance::{Fault, Operation};
use crate::rig::{Rig, in_ranges};

/// A copy whose image is created, or refused, only when the source has been asked for its bytes so often.
async fn created_late(rig: &Rig, refusal: Option<u16>, downloads: usize) -> crate::rig::Run {
    let word = CancellationToken::new();
    let create = Fault::Await(word.clone(), refusal);
    rig.destination.plan(Operation::Create, create);
    let (run, ()) = tokio::join!(rig.copy(1), async {
        rig.source
            .until(|state| state.ranges.len() >= downloads)
            .await;
        rig.assert_empty();
        word.cancel();
    });
    run
}

#[tokio::test]
async fn a_download_is_open_before_there_is_an_image_to_fill() {
    for (streams, downloads) in [(StreamBounds::default(), 1), (in_ranges(3), 3)] {
        let mut rig = Rig::new().await;
        rig.settings.streams = streams;
        let run = created_late(&rig, None, downloads).await;
        run.assert_replicated(rig.image(1));
        rig.assert_replica(rig.image(1));
        assert_eq!(rig.destination.count(Operation::Upload), 1);
    }
}

#[tokio::test]
async fn the_source_is_let_go_when_the_image_is_refused() {
    let mut rig = Rig::new().await;
    rig.settings.idle_timeout = Duration::from_secs(60);
    rig.source
        .plan(Operation::Download, Fault::HangAfter(1_000));
    let run = created_late(&rig, Some(403), 1).await;
    assert_eq!(run.failure(), (ErrorCode::DestinationRefused, false));
    assert!(run.has_settled(rig.image(1)));
    rig.source.until(|state| state.downloads_left == 1).await;
    rig.assert_empty();
}

#[tokio::test]
async fn a_source_that_fails_meanwhile_is_told_of_once_the_image_is_known_to_be_there() {
    for (refusal, code) in [
        (None, ErrorCode::SourceGone),
        (Some(413), ErrorCode::DestinationQuotaExceeded),
    ] {
        let rig = Rig::new().await;
        rig.source
            .plan(Operation::Download, Fault::Refuse(404, "no"));
        let run = created_late(&rig, refusal, 1).await;
        assert_eq!(run.failure(), (code, false));
        assert_eq!(rig.destination.count(Operation::Upload), 0);
        assert!(run.has_settled(rig.image(1)));
        rig.assert_empty();
    }
}

#[tokio::test]
async fn a_source_is_not_kept_waiting_for_an_image_for_long() {
    let mut rig = Rig::new().await;
    rig.settings.idle_timeout = Duration::from_secs(60);
    rig.source
        .plan(Operation::Download, Fault::HangAfter(1_000));
    let word = CancellationToken::new();
    rig.destination
        .plan(Operation::Create, Fault::Await(word.clone(), None));
    let (run, ()) = tokio::join!(rig.copy(1), async {
        rig.source.until(|state| state.downloads_left == 1).await;
        assert_eq!(rig.destination.writes(), 1);
        word.cancel();
    });
    run.assert_replicated(rig.image(1));
}

#[tokio::test]
async fn the_source_is_read_while_the_destination_is_looked_at() {
    let rig = Rig::new().await;
    let word = CancellationToken::new();
    rig.destination
        .plan(Operation::Show, Fault::Await(word.clone(), None));
    let (run, ()) = tokio::join!(rig.copy(1), async {
        rig.source
            .until(|state| state.requests == [Operation::Show])
            .await;
        assert_eq!(rig.destination.state().requests, [Operation::Show]);
        word.cancel();
    });
    run.assert_replicated(rig.image(1));
}

#[tokio::test]
async fn what_is_to_be_adopted_does_not_wait_for_the_source() {
    let rig = Rig::new().await;
    rig.copy(1).await.assert_replicated(rig.image(1));
    let asked = CancellationToken::new();
    rig.source
        .plan(Operation::Show, Fault::NeverDo(asked.clone()));
    rig.destination
        .plan(Operation::Show, Fault::Await(asked, None));
    let run = rig.copy(1).await;
    run.assert_replicated(rig.image(1));
    assert_eq!(
        rig.source.count(Operation::Show),
        3,
        "the last one was answered"
    );
}
