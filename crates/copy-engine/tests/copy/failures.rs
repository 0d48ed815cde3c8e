//! Copies that fail: with which code, and that nothing is left.

use std::num::NonZeroU64;
use std::time::Duration;

use copy_engine::{BandwidthLimits, MinimumRate};
use domain::ErrorCode;

use crate::fake_glance::{Fault, Operation};
use crate::rig::Rig;

#[tokio::test]
async fn what_goes_wrong_at_the_source_is_named_and_leaves_nothing() {
    use ErrorCode::{SourceGone, SourceRefused, SourceUnavailable, VerificationFailed};
    use Operation::{Download, Show};
    for (operation, fault, code, transient) in [
        (Show, Fault::Refuse(404, "no"), SourceGone, false),
        (Show, Fault::Refuse(403, "no"), SourceRefused, false),
        (Show, Fault::Refuse(503, "no"), SourceUnavailable, true),
        (Show, Fault::Ignore, SourceUnavailable, true),
        (Download, Fault::Refuse(404, "no"), SourceGone, false),
        (Download, Fault::Refuse(403, "no"), SourceRefused, false),
        (Download, Fault::EndAfter(0), SourceUnavailable, true),
        (Download, Fault::Excess(1), SourceUnavailable, true),
        (Download, Fault::Excess(500_000), SourceUnavailable, true),
        (Download, Fault::WrongByte(7), VerificationFailed, true),
        (
            Download,
            Fault::WrongByte(299_999),
            VerificationFailed,
            true,
        ),
    ] {
        let rig = Rig::new().await;
        rig.source.plan(operation, fault.clone());
        let run = rig.copy(1).await;
        assert_eq!(run.failure(), (code, transient), "{operation:?} {fault:?}");
        rig.assert_empty();
        assert!(run.has_settled(rig.image(1)), "{operation:?} {fault:?}");
    }
}

#[tokio::test]
async fn a_source_that_is_shorter_than_it_says_never_completes_an_upload() {
    let rig = Rig::new().await;
    rig.source
        .state()
        .images
        .resize(rig.spec.source.image, 200_000);
    let run = rig.copy(1).await;
    assert_eq!(run.failure(), (ErrorCode::SourceUnavailable, true));
    rig.assert_empty();
    assert!(run.progress.bytes_copied() <= 200_000);
}

#[tokio::test]
async fn a_source_that_changed_is_final() {
    for (attribute, value) in [
        ("status", "deactivated"),
        ("status", "queued"),
        ("os_hash_value", "00"),
        ("checksum", "00"),
    ] {
        let rig = Rig::new().await;
        let image = rig.source.image(rig.spec.source.image).expect("made");
        rig.source.put(image.with(attribute, value));
        let run = rig.copy(1).await;
        assert_eq!(
            run.failure(),
            (ErrorCode::SourceChanged, false),
            "{attribute}"
        );
        assert_eq!(rig.destination.writes(), 0);
        assert!(run.has_settled(rig.image(1)));
    }
}

#[tokio::test]
async fn a_volume_backed_source_is_never_uploaded_empty() {
    let rig = Rig::with_data(Vec::new()).await;
    let run = rig.copy(1).await;
    assert!(!run.failure().1);
    assert_eq!(rig.destination.count(Operation::Upload), 0);
    rig.assert_empty();
}

#[tokio::test]
async fn what_goes_wrong_at_the_destination_is_named_and_leaves_nothing() {
    use ErrorCode::{
        DestinationGone, DestinationQuotaExceeded, DestinationRefused, DestinationUnavailable,
        VerificationFailed,
    };
    use Operation::{Create, Patch, Upload};
    for (operation, fault, code, transient) in [
        (Create, Fault::Refuse(403, "no"), DestinationRefused, false),
        (Create, Fault::Refuse(400, "no"), DestinationRefused, false),
        (
            Create,
            Fault::Refuse(413, "no"),
            DestinationQuotaExceeded,
            false,
        ),
        (
            Create,
            Fault::Refuse(503, "no"),
            DestinationUnavailable,
            true,
        ),
        (
            Upload,
            Fault::Refuse(413, "no"),
            DestinationQuotaExceeded,
            false,
        ),
        (Upload, Fault::Refuse(403, "no"), DestinationRefused, false),
        (
            Upload,
            Fault::Refuse(409, "no"),
            DestinationUnavailable,
            true,
        ),
        (Upload, Fault::Refuse(410, "no"), DestinationGone, false),
        (Upload, Fault::AfterDeletion, DestinationGone, false),
        (Upload, Fault::DieAfter(9), DestinationUnavailable, true),
        (Upload, Fault::StoreWrongly, VerificationFailed, true),
        (Patch, Fault::AfterDeletion, DestinationGone, false),
    ] {
        let rig = Rig::new().await;
        rig.destination.plan(operation, fault.clone());
        let run = rig.copy(1).await;
        assert_eq!(run.failure(), (code, transient), "{operation:?} {fault:?}");
        rig.assert_empty();
        assert!(run.has_settled(rig.image(1)), "{operation:?} {fault:?}");
    }
}

#[tokio::test]
async fn a_source_that_says_nothing_more_is_given_up() {
    let rig = Rig::new().await;
    for _ in 0..2 {
        rig.source
            .plan(Operation::Download, Fault::HangAfter(1_000));
    }
    for _ in 0..50 {
        rig.source.plan(Operation::Download, Fault::HangAfter(0));
    }
    let run = rig.copy(1).await;
    assert_eq!(run.failure(), (ErrorCode::SourceUnavailable, true));
    rig.assert_empty();
}

#[tokio::test]
async fn a_copy_that_crawls_is_too_slow() {
    let mut rig = Rig::new().await;
    rig.settings.minimum_rate = MinimumRate {
        bytes_per_second: 100_000,
        window: Duration::from_millis(500),
    };
    rig.source
        .plan(Operation::Download, Fault::Drip(Duration::from_millis(10)));
    let run = rig.copy(1).await;
    assert_eq!(run.failure(), (ErrorCode::TooSlow, true));
    rig.assert_empty();
}

/// What a rig's pair of regions may have.
fn cap_of_pair(rig: &Rig, bytes_per_second: u64) -> BandwidthLimits {
    let pair = (
        rig.spec.source.region.clone(),
        rig.spec.destination.region.clone(),
    );
    let rate = NonZeroU64::new(bytes_per_second).expect("a rate");
    BandwidthLimits {
        process: None,
        pairs: [(pair, rate)].into(),
    }
}

#[tokio::test]
async fn a_copy_that_a_cap_holds_back_is_not_too_slow() {
    // Alone under a low cap, and with a quarter of a higher one.
    for (cap, copies) in [(150_000, 1), (600_000, 4)] {
        let mut rig = Rig::new().await;
        rig.settings.minimum_rate = MinimumRate {
            bytes_per_second: 400_000,
            window: Duration::from_millis(500),
        };
        let bandwidth = rig.settings.bandwidth.clone();
        bandwidth.set(&cap_of_pair(&rig, cap));
        let (source, destination) = (&rig.spec.source.region, &rig.spec.destination.region);
        let copying = bandwidth.begin(source, destination);
        copying.told(copies);
        rig.copy(1).await.assert_replicated(rig.image(1));
        rig.assert_replica(rig.image(1));
    }
}

#[tokio::test]
async fn a_cap_that_holds_nothing_back_excuses_nothing() {
    let mut rig = Rig::new().await;
    rig.settings.minimum_rate = MinimumRate {
        bytes_per_second: 100_000,
        window: Duration::from_millis(500),
    };
    let cap = cap_of_pair(&rig, 50_000);
    rig.settings.bandwidth.set(&cap);
    rig.source
        .plan(Operation::Download, Fault::Drip(Duration::from_millis(10)));
    let run = rig.copy(1).await;
    assert_eq!(run.failure(), (ErrorCode::TooSlow, true));
    rig.assert_empty();
}
