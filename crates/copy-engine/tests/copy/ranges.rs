//! Copies whose source is read in several ranges at once, and what may happen to one of them.

use copy_engine::{ReadAheadMemory, StreamBounds};
use domain::ErrorCode;
use serde_json::Value;

use crate::fake_glance::{Fault, Operation};
use crate::rig::{Rig, in_ranges};

/// A copy in four ranges at once, each a quarter of the image.
async fn rig() -> Rig {
    let mut rig = Rig::with_bytes(400_000).await;
    rig.settings.streams = in_ranges(4);
    rig
}

/// The first bytes that were asked for, in order.
fn starts(rig: &Rig) -> Vec<usize> {
    let state = rig.source.state();
    let starts = state.ranges.iter();
    let mut starts: Vec<_> = starts
        .map(|range| range.map_or(0, |(start, _)| start))
        .collect();
    starts.sort_unstable();
    starts
}

#[tokio::test]
async fn ranges_are_read_at_once_and_put_in_order() {
    let rig = rig().await;
    for _ in 0..4 {
        rig.source
            .plan(Operation::Download, Fault::AwaitDownloads(4));
    }
    rig.copy(1).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
    assert_eq!(starts(&rig), [0, 100_000, 200_000, 300_000]);
    assert_eq!(rig.destination.count(Operation::Upload), 1);
}

#[tokio::test]
async fn a_download_that_the_upload_waits_for_is_joined_by_others() {
    let mut rig = Rig::with_bytes(400_000).await;
    rig.settings.streams = StreamBounds {
        min: 1,
        ..in_ranges(4)
    };
    rig.settings.memory = ReadAheadMemory::new(100_000);
    let pause = Fault::PauseAfter {
        bytes: 10_000,
        downloads: 2,
    };
    rig.source.plan(Operation::Download, pause);
    rig.copy(1).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
    // The first was to read all, and left what is beyond half the memory from where it stood.
    assert_eq!(rig.source.state().ranges[0], None);
    assert!(starts(&rig).contains(&60_000), "{:?}", starts(&rig));
    assert_eq!(rig.destination.count(Operation::Upload), 1);
}

#[tokio::test]
async fn ranges_wait_for_their_turn_in_little_memory() {
    let mut rig = Rig::with_bytes(3_000_000).await;
    rig.settings.streams = in_ranges(4);
    rig.settings.memory = ReadAheadMemory::new(300_000);
    // The first comes last: until then, the others fill the memory and stand still.
    rig.source
        .plan(Operation::Download, Fault::AwaitDownloads(4));
    rig.copy(1).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
}

#[tokio::test]
async fn a_range_that_breaks_costs_what_it_had_not_delivered() {
    let rig = rig().await;
    for fault in [
        Fault::BreakAfter(30_000),
        Fault::BreakAfter(0),
        Fault::Ignore,
        Fault::HangAfter(60_000),
    ] {
        rig.source.plan(Operation::Download, fault);
    }
    rig.copy(1).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
    let starts = starts(&rig);
    assert_eq!(starts.len(), 8, "{starts:?}");
    // Each quarter was asked for once more, and from where it broke.
    let in_quarter = |quarter: usize| {
        starts
            .iter()
            .filter(move |start| **start / 100_000 == quarter)
    };
    assert!((0..4).all(|quarter| in_quarter(quarter).count() == 2));
    let sum: usize = starts.iter().map(|start| start % 100_000).sum();
    assert_eq!(sum, 30_000 + 60_000, "{starts:?}");
    assert_eq!(rig.destination.count(Operation::Upload), 1);
}

#[tokio::test]
async fn a_source_that_takes_no_ranges_is_read_in_one_stream() {
    // The first to come is the front; the second is not.
    for position in 0..4 {
        let rig = rig().await;
        rig.source.plan_after(1 + position, Fault::IgnoreRange);
        rig.copy(1).await.assert_replicated(rig.image(1));
        rig.assert_replica(rig.image(1));
        let whole = rig
            .source
            .state()
            .ranges
            .iter()
            .filter(|range| range.is_none())
            .count();
        assert!(whole <= 1, "once it is known, no range is asked for");
    }
}

#[tokio::test]
async fn a_source_that_refuses_some_is_read_in_fewer() {
    for refusal in [
        Fault::Refuse(503, "busy"),
        Fault::Refuse(429, "too often"),
        Fault::Busy { retry_after: 900 },
    ] {
        let rig = rig().await;
        for _ in 0..2 {
            rig.source
                .plan(Operation::Download, Fault::AwaitDownloads(4));
        }
        for _ in 0..2 {
            rig.source.plan(Operation::Download, refusal.clone());
        }
        rig.copy(1).await.assert_replicated(rig.image(1));
        rig.assert_replica(rig.image(1));
        assert!(rig.source.count(Operation::Download) >= 6);
    }
}

#[tokio::test]
async fn a_source_that_wants_to_be_left_alone_is_not_asked_again_before() {
    let rig = Rig::new().await;
    rig.source
        .plan(Operation::Download, Fault::Busy { retry_after: 900 });
    let run = rig.copy(1).await;
    assert_eq!(run.failure(), (ErrorCode::SourceUnavailable, true));
    assert_eq!(rig.source.count(Operation::Download), 1);
    rig.assert_empty();
}

#[tokio::test]
async fn what_is_wrong_with_one_range_is_wrong_with_the_copy() {
    use ErrorCode::{SourceGone, SourceUnavailable, VerificationFailed};
    for (position, fault, code) in [
        (1, Fault::WrongByte(7), VerificationFailed),
        (3, Fault::WrongByte(99_999), VerificationFailed),
        (2, Fault::Refuse(404, "gone"), SourceGone),
        (2, Fault::Refuse(416, "no such range"), SourceUnavailable),
    ] {
        let rig = rig().await;
        rig.source.plan_after(1 + position, fault.clone());
        let run = rig.copy(1).await;
        assert_eq!(run.failure().0, code, "{fault:?}");
        rig.assert_empty();
    }
}

#[tokio::test]
async fn a_source_that_is_shorter_or_longer_than_it_says_is_found_out() {
    for length in [399_999, 250_000, 100_000, 400_001] {
        let rig = rig().await;
        let image = rig.spec.source.image;
        rig.source.state().images.resize(image, length);
        let run = rig.copy(1).await;
        assert_eq!(
            run.failure(),
            (ErrorCode::SourceUnavailable, true),
            "{length}"
        );
        rig.assert_empty();
    }
}

#[tokio::test]
async fn a_source_without_a_hash_is_hashed_in_order() {
    let mut rig = rig().await;
    rig.change_source(|image| {
        image
            .with("os_hash_algo", Value::Null)
            .with("os_hash_value", Value::Null)
    });
    rig.source
        .plan(Operation::Download, Fault::AwaitDownloads(4));
    rig.copy(1).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
}

#[tokio::test]
async fn an_upload_that_is_dropped_begins_all_ranges_anew() {
    let rig = rig().await;
    rig.destination
        .plan(Operation::Upload, Fault::DropAfter(150_000));
    let run = rig.copy(1).await;
    run.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
    assert_eq!(run.progress.bytes_copied(), rig.data.len() as u64);
    assert_eq!(rig.destination.count(Operation::Upload), 2);
}

#[tokio::test]
async fn a_small_image_is_read_in_one_stream() {
    let mut rig = Rig::with_bytes(1_500).await;
    rig.settings.streams = in_ranges(4);
    rig.copy(1).await.assert_replicated(rig.image(1));
    assert_eq!(rig.source.state().ranges, [None]);
}
