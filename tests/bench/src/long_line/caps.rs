//! How exact a cap is in real time: what two copies at once bring into a sink within some seconds.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::num::NonZeroU64;
use std::time::Duration;

use copy_engine::{Bandwidth, BandwidthLimits};
use domain::RegionId;
use tokio::time::{Instant, sleep_until};

use super::copy::Copy;
use super::{off, streams};
use crate::alone::sink::Sink;
use crate::alone::source::Source;
use crate::plan::MIB;
use crate::table::mebibytes;

/// Begins to be counted when what is read ahead has been read.
const WARM: Duration = Duration::from_secs(2);

/// The caps one after the other, each set while the copies run.
pub(crate) async fn measure(source: &Source, seconds: u64) -> anyhow::Result<String> {
    let bandwidth = Bandwidth::unlimited();
    let sink = Sink::start(source.image()).await?;
    let pair = (RegionId::new("source"), RegionId::new("sink"));
    let copy = || {
        let copy = Copy::of_static(
            source.image(),
            source.port(),
            sink.port(),
            None,
            streams(1, 8),
        );
        anyhow::Ok(copy?.under(bandwidth.clone()))
    };
    let rate = |mebibytes: u64| NonZeroU64::new(mebibytes * MIB);
    let of_pair = |mebibytes| BandwidthLimits {
        process: None,
        pairs: rate(mebibytes)
            .map(|rate| BTreeMap::from([(pair.clone(), rate)]))
            .unwrap_or_default(),
    };
    let of_worker = |mebibytes| BandwidthLimits {
        process: rate(mebibytes),
        pairs: BTreeMap::new(),
    };
    let mut text = format!(
        "### Caps: two copies at once, {seconds} s of each\n\n| cap | MiB/s | MiB in {seconds} s | off |\n|{}\n",
        "---|".repeat(4)
    );
    bandwidth.set(&of_worker(8));
    let measuring = async {
        for (name, mebibytes_per_second, limits) in [
            ("of the worker", 8, of_worker(8)),
            ("of the worker, raised while they run", 24, of_worker(24)),
            ("of the pair", 12, of_pair(12)),
        ] {
            bandwidth.set(&limits);
            let begins = Instant::now() + WARM;
            sleep_until(begins).await;
            let before = sink.counted();
            sleep_until(begins + Duration::from_secs(seconds)).await;
            let counted = sink.counted() - before;
            let expected = mebibytes_per_second * MIB * seconds;
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| {name} | {mebibytes_per_second} | {:.1} | {:+.1} % |",
                mebibytes(counted),
                off(counted, expected)
            );
        }
    };
    tokio::select! {
        ended = copy()?.run() => anyhow::bail!("a copy ended early: {ended:?}"),
        ended = copy()?.run() => anyhow::bail!("a copy ended early: {ended:?}"),
        () = measuring => {}
    }
    Ok(text)
}
