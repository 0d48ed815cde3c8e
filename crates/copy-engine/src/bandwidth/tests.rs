//! Caps on a paused clock: how much comes through, how evenly, and what a change does.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;

const MEBIBYTE: u64 = 1 << 20;

fn limits(process: u64, pair: u64) -> BandwidthLimits {
    let pair = NonZeroU64::new(pair).map(|rate| (regions("ot1"), rate));
    BandwidthLimits {
        process: NonZeroU64::new(process),
        pairs: pair.into_iter().collect(),
    }
}

fn regions(source: &str) -> (RegionId, RegionId) {
    (RegionId::new(source), RegionId::new("ot2"))
}

/// Reads from a source that is always ready, in frames of a mebibyte, for so long. How many bytes, and the longest time
/// without one.
async fn read_for(bandwidth: Bandwidth, source: &str, time: Duration) -> (u64, Duration) {
    let (source, destination) = regions(source);
    let pace = bandwidth.between(&source, &destination);
    let (mut bytes, mut longest, mut last) = (0, Duration::ZERO, Instant::now());
    let reading = async {
        loop {
            let mut rest = Bytes::from_static(&[7; 1 << 20]);
            while !rest.is_empty() {
                bytes += pace.next(&mut rest).await.0.len() as u64;
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
            // A source that is read without any cap is as fast as this one byte in time.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let _ended: Result<(), _> = timeout(time, reading).await;
    (bytes, longest)
}

/// The same for several copies at once.
async fn read_all(
    bandwidth: &Bandwidth,
    sources: &[&'static str],
    seconds: u64,
) -> Vec<(u64, Duration)> {
    let mut copies = JoinSet::new();
    for (number, source) in sources.iter().copied().enumerate() {
        let bandwidth = bandwidth.clone();
        copies.spawn(async move {
            (
                number,
                read_for(bandwidth, source, Duration::from_secs(seconds)).await,
            )
        });
    }
    let mut all = copies.join_all().await;
    all.sort_unstable();
    all.into_iter().map(|(_, read)| read).collect()
}

fn assert_about(bytes: u64, expected: u64) {
    let off = bytes.abs_diff(expected);
    assert!(off * 100 <= expected * 2, "{bytes} instead of {expected}");
}

#[tokio::test(start_paused = true)]
async fn a_cap_is_exact_over_ten_seconds_however_many_read() {
    for rate in [100_000, MEBIBYTE, 100 * MEBIBYTE] {
        for copies in [1, 3, 8] {
            let bandwidth = Bandwidth::unlimited();
            bandwidth.set(&limits(rate, 0));
            let read = read_all(&bandwidth, &["ot1", "ot3"].repeat(copies)[..copies], 10).await;
            assert_about(read.iter().map(|(bytes, _)| bytes).sum(), rate * 10);
            for (bytes, longest) in read {
                assert!(bytes >= rate * 10 / copies as u64 / 2, "its share: {bytes}");
                // Destinations drop an upload that pauses.
                assert!(
                    longest <= Duration::from_millis(250),
                    "{longest:?} of {copies}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pair_has_its_own_cap_within_that_of_the_process() {
    let bandwidth = Bandwidth::unlimited();
    bandwidth.set(&limits(0, MEBIBYTE));
    let read = read_all(&bandwidth, &["ot1", "ot1", "ot3"], 10).await;
    assert_about(read[0].0 + read[1].0, 10 * MEBIBYTE);
    assert!(read[2].0 > 1000 * MEBIBYTE, "another pair has none");

    bandwidth.set(&limits(4 * MEBIBYTE, MEBIBYTE));
    let read = read_all(&bandwidth, &["ot1", "ot3"], 10).await;
    assert_about(read[0].0, 10 * MEBIBYTE);
    assert_about(read[0].0 + read[1].0, 40 * MEBIBYTE);
}

#[tokio::test(start_paused = true)]
async fn a_change_counts_at_once_also_for_who_waits() {
    let bandwidth = Bandwidth::unlimited();
    // A turn of a kibibyte takes a quarter of an hour.
    bandwidth.set(&limits(1, 0));
    let changed = bandwidth.clone();
    let changing = async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        changed.set(&limits(MEBIBYTE, 0));
        tokio::time::sleep(Duration::from_secs(10)).await;
        changed.set(&limits(2 * MEBIBYTE, 0));
    };
    let reading = read_for(bandwidth, "ot1", Duration::from_secs(25));
    let ((bytes, _), ()) = tokio::join!(reading, changing);
    assert_about(bytes, 30 * MEBIBYTE);
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_told_whether_a_cap_held_it_back() {
    let bandwidth = Bandwidth::unlimited();
    let (source, destination) = regions("ot1");
    let pace = bandwidth.between(&source, &destination);
    let mut rest = Bytes::from_static(&[7; 300_000]);
    let (bytes, has_waited) = pace.next(&mut rest).await;
    assert_eq!((bytes.len(), has_waited), (300_000, false));
    bandwidth.set(&limits(0, 100_000));
    let mut rest = Bytes::from_static(&[7; 30_000]);
    pace.next(&mut rest).await;
    assert!(!pace.was_held_back());
    assert!(pace.next(&mut rest).await.1);
    assert!(pace.was_held_back() && !pace.was_held_back());
}

#[tokio::test(start_paused = true)]
async fn workers_divide_what_a_pair_may_have_by_their_copies() {
    let (one, other) = (Bandwidth::unlimited(), Bandwidth::unlimited());
    let workers = [&one, &other];
    for worker in workers {
        worker.set(&limits(0, 4 * MEBIBYTE));
    }
    let (source, destination) = regions("ot1");
    let begin = |worker: &Bandwidth| worker.begin(&source, &destination);
    let copies = [begin(&one), begin(&one), begin(&one), begin(&other)];
    for copy in &copies {
        copy.told(4);
    }
    let read_both = || async {
        let (three, single) = tokio::join!(
            read_all(&one, &["ot1"; 3], 10),
            read_all(&other, &["ot1"], 10)
        );
        (
            three.iter().map(|(bytes, _)| bytes).sum::<u64>(),
            single[0].0,
        )
    };
    let (three, single) = read_both().await;
    assert_about(three, 30 * MEBIBYTE);
    assert_about(single, 10 * MEBIBYTE);

    // A change of the cap while they run is divided in the same way.
    for worker in workers {
        worker.set(&limits(0, 8 * MEBIBYTE));
    }
    let (three, single) = read_both().await;
    assert_about(three, 60 * MEBIBYTE);
    assert_about(single, 20 * MEBIBYTE);

    // The one that is left has all of it once it is told so.
    let [.., last] = copies;
    last.told(1);
    assert_about(read_all(&other, &["ot1"], 10).await[0].0, 80 * MEBIBYTE);
}

#[tokio::test(start_paused = true)]
async fn copies_that_come_and_go_bring_no_more_than_the_cap() {
    let bandwidth = Bandwidth::unlimited();
    bandwidth.set(&limits(0, MEBIBYTE));
    let (source, destination) = regions("ot1");
    let stays = bandwidth.begin(&source, &destination);
    let changing = async {
        loop {
            let _comes = bandwidth.begin(&source, &destination);
            stays.told(4);
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
    };
    let read = tokio::select! {
        _ = changing => unreachable!("it never ends"),
        read = read_all(&bandwidth, &["ot1", "ot1"], 10) => read,
    };
    let read = read.iter().map(|(bytes, _)| bytes).sum::<u64>();
    // Two of four.
    assert!(read.abs_diff(5 * MEBIBYTE) * 20 <= 5 * MEBIBYTE, "{read}");
}

#[tokio::test]
async fn caps_are_told_as_they_were_set_whoever_divides_them() {
    let bandwidth = Bandwidth::unlimited();
    assert_eq!(bandwidth.limits(), BandwidthLimits::default());
    bandwidth.set(&limits(7, 9));
    let (source, destination) = regions("ot1");
    let copy = bandwidth.begin(&source, &destination);
    copy.told(3);
    assert_eq!(bandwidth.limits(), limits(7, 9));
    bandwidth.set(&limits(0, 0));
    assert_eq!(bandwidth.limits(), BandwidthLimits::default());
}
