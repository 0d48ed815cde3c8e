//! Copies that succeed, some of them in spite of something.

use copy_engine::{Ended, EngineSettings};
use domain::{ErrorCode, Stage};
use openstack::Visibility;
use serde_json::Value;

use crate::fake_glance::{Fault, Operation};
use crate::rig::{Rig, TENANT};

#[tokio::test]
async fn a_copy_has_the_bytes_the_properties_and_its_provenance() {
    let mut rig = Rig::new().await;
    rig.change_source(|image| {
        image
            .with("protected", true)
            .with("min_disk", 7)
            .with("tags", vec!["b", "a"])
            .with("instance_uuid", "an instance")
            .with("visibility", "public")
    });
    let run = rig.copy(1).await;
    run.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
    let copy = rig.destination.image(rig.image(1)).expect("just found");
    for (attribute, expected) in [
        ("name", "jammy"),
        ("owner", TENANT),
        ("visibility", "private"),
        ("os_distro", "ubuntu"),
        ("replicated_from_region", "ot1"),
        ("replicated_from_image", &*rig.spec.source.image.to_string()),
        ("replicated_by_job", &*rig.job.to_string()),
    ] {
        assert_eq!(copy.text(attribute), Some(expected), "{attribute}");
    }
    assert!(copy.is("protected"));
    assert_eq!(copy.attributes["min_disk"], 7);
    assert_eq!(copy.attributes["tags"], Value::from(vec!["a", "b"]));
    assert!(!copy.attributes.contains_key("instance_uuid"));

    let steps = run.progress.steps();
    assert_eq!(
        (steps.stage, steps.image),
        (Stage::Verifying, Some(rig.image(1)))
    );
    assert_eq!(run.progress.bytes_copied(), rig.data.len() as u64);
    assert_eq!(rig.destination.writes(), 3, "create, upload, one patch");
    assert_eq!(rig.destination.count(Operation::Download), 0);
}

#[tokio::test]
async fn visibility_and_hidden_end_as_configured_and_as_the_source() {
    let mut rig = Rig::new().await;
    rig.settings = EngineSettings {
        visibility: Visibility::Shared,
        ..rig.settings
    };
    rig.change_source(|image| image.with("os_hidden", true));
    rig.copy(1).await.assert_replicated(rig.image(1));
    let copy = rig.destination.image(rig.image(1)).expect("replicated");
    assert_eq!(copy.text("visibility"), Some("shared"));
    assert!(copy.is("os_hidden") && !copy.is("protected"));
}

#[tokio::test]
async fn a_broken_download_is_resumed_within_one_upload() {
    let rig = Rig::new().await;
    for fault in [
        Fault::BreakAfter(100_000),
        Fault::Refuse(503, "busy"),
        Fault::BreakAfter(0),
        Fault::BreakAfter(100_000),
        // All bytes but the last: the end must come from the source, not from a count.
        Fault::BreakAfter(99_999),
    ] {
        rig.source.plan(Operation::Download, fault);
    }
    rig.copy(1).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
    assert_eq!(rig.source.count(Operation::Download), 6);
    assert_eq!(rig.destination.count(Operation::Upload), 1);
}

#[tokio::test]
async fn a_source_that_takes_no_ranges_is_read_from_its_beginning_again() {
    let rig = Rig::new().await;
    rig.source
        .plan(Operation::Download, Fault::BreakAfter(123_456));
    rig.source.plan(Operation::Download, Fault::IgnoreRange);
    rig.copy(1).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
    assert_eq!(rig.destination.count(Operation::Upload), 1);
}

#[tokio::test]
async fn a_source_that_stands_still_is_asked_again() {
    let rig = Rig::new().await;
    rig.source
        .plan(Operation::Download, Fault::HangAfter(100_000));
    rig.copy(1).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
}

#[tokio::test]
async fn a_dropped_upload_is_repeated_three_times_on_the_same_image() {
    for (drops, succeeds) in [(3, true), (4, false)] {
        let rig = Rig::new().await;
        for _ in 0..drops {
            rig.destination
                .plan(Operation::Upload, Fault::DropAfter(50_000));
        }
        let run = rig.copy(1).await;
        assert_eq!(rig.destination.count(Operation::Upload), 4);
        assert_eq!(rig.destination.count(Operation::Create), 1);
        if succeeds {
            run.assert_replicated(rig.image(1));
            rig.assert_replica(rig.image(1));
            assert_eq!(run.progress.bytes_copied(), rig.data.len() as u64);
        } else {
            assert_eq!(run.failure(), (ErrorCode::DestinationUnavailable, true));
            rig.assert_empty();
            assert!(run.has_settled(rig.image(1)));
        }
    }
}

#[tokio::test]
async fn an_upload_that_stands_still_is_closed_and_repeated() {
    // Larger than what the kernel's socket buffers swallow unread.
    let rig = Rig::with_bytes(8 << 20).await;
    rig.destination
        .plan(Operation::Upload, Fault::StallAfter(1));
    rig.copy(1).await.assert_replicated(rig.image(1));
    assert_eq!(rig.destination.count(Operation::Upload), 2);
}

#[tokio::test]
async fn a_single_byte_is_an_image() {
    let rig = Rig::with_data(vec![42]).await;
    rig.copy(1).await.assert_replicated(rig.image(1));
    rig.assert_replica(rig.image(1));
}

#[tokio::test]
async fn an_old_source_is_hashed_on_its_way() {
    let mut rig = Rig::new().await;
    rig.change_source(|image| {
        image
            .with("os_hash_algo", Value::Null)
            .with("os_hash_value", Value::Null)
    });
    rig.source
        .plan(Operation::Download, Fault::BreakAfter(100_000));
    rig.destination.plan(Operation::Upload, Fault::DropAfter(1));
    rig.copy(1).await.assert_replicated(rig.image(1));

    rig.source
        .plan(Operation::Download, Fault::WrongByte(1_000));
    let run = rig.copy(2).await;
    // Attempt 1's image is a leftover that is as good as ever: it is adopted without a download.
    assert_eq!(
        run.ended,
        Ended::Replicated {
            image: rig.image(1)
        }
    );
    let run = rig
        .copy_order(&copy_without_leftovers(&rig, 3), &copy_engine::Ungated)
        .await;
    assert_eq!(run.failure(), (ErrorCode::VerificationFailed, true));
    rig.assert_replica(rig.image(1));
}

fn copy_without_leftovers(rig: &Rig, attempt: u32) -> copy_engine::Order {
    copy_engine::Order {
        leftovers: Vec::new(),
        ..rig.order(attempt)
    }
}

#[tokio::test]
async fn a_destination_with_another_algorithm_is_read_back() {
    for (fault, expected) in [
        (None, None),
        (
            Some(Fault::StoreWrongly),
            Some((ErrorCode::VerificationFailed, true)),
        ),
    ] {
        let rig = Rig::new().await;
        rig.destination.state().images.hash_algorithm = Some("sha256");
        if let Some(fault) = fault {
            rig.destination.plan(Operation::Upload, fault);
        }
        let run = rig.copy(1).await;
        assert_eq!(rig.destination.count(Operation::Download), 1);
        match expected {
            None => rig.assert_replica(rig.image(1)),
            Some(failure) => {
                assert_eq!(run.failure(), failure);
                rig.assert_empty();
            }
        }
    }
}
