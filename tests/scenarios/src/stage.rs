//! The test bed of a test binary that its tests may break: they take turns on it, and one that failed spoils nothing for
//! the next.

use std::time::Duration;

use testbed::{Builder, GlanceOptions, MadeImage, Options, Part, Region, TestBed};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::{Hold, Replicas, Turn};

/// Longer than any single step of a scenario takes, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What takes minutes or hours in production takes seconds here, in the same proportions, and nobody is refused for
/// asking often.
const SHORT_TIMES: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
[scheduler]
lease_length = '6s'
heartbeat = '1s'
serving_gap = '3s'
reconcile_every = '250ms'
ticket_first = '2s'
ticket_longest = '5s'
retry_first = '500ms'
retry_longest = '2s'
[worker]
poll_shortest = '1s'
poll_longest = '2s'
report_every = '200ms'
drain = '9s'
";

/// A copy may stand still for as long as a test holds it: by the word of the workers, and of the Glances.
const BEAR_A_HOLD: &str = "[copy]\nidle_timeout = '10m'\n";
const STANDSTILL: Duration = Duration::from_secs(600);

/// How long a lease lasts on a [`quick_bed`].
pub const LEASE: Duration = Duration::from_secs(6);

/// A test bed to play on, in a `static` of the test binary. Never dropped: it ends when the process does.
#[derive(Debug)]
pub struct Stage {
    bed: OnceCell<(TestBed, Options)>,
    large: OnceCell<MadeImage>,
    turns: Mutex<LastTurn>,
}

/// How the turn before ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastTurn {
    /// As it should, or there was none.
    Left,
    /// Not yet, or with a failed test.
    Broke,
}

/// Two schedulers and so many workers that copy from `ot1` into `ot2`, all their times short, and a way to hold copies.
pub fn quick_bed(workers: u16) -> Builder {
    holdable_bed(workers).config(SHORT_TIMES)
}

/// The same with the times of production.
pub fn holdable_bed(workers: u16) -> Builder {
    let patient = GlanceOptions {
        socket_timeout: STANDSTILL,
        ..GlanceOptions::default()
    };
    let builder = Region::ALL
        .iter()
        .fold(TestBed::builder(), |builder, region| {
            builder.glance(*region, patient.clone())
        });
    builder
        .schedulers(2)
        .workers(Region::Ot1, 0)
        .workers(Region::Ot2, workers)
        .faulty_link(Hold::LINK)
        .config(BEAR_A_HOLD)
}

// === impl Stage ===

impl Stage {
    /// A stage on which nothing stands yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bed: OnceCell::const_new(),
            large: OnceCell::const_new(),
            turns: Mutex::const_new(LastTurn::Left),
        }
    }

    /// Waits for a test's turn; the first builds the test bed. Everything runs then, and is as it was at first.
    ///
    /// # Errors
    /// When the test bed cannot be built or brought back to its beginning.
    pub async fn turn(
        &'static self,
        build: impl AsyncFnOnce() -> anyhow::Result<TestBed>,
    ) -> anyhow::Result<Turn> {
        let mut last = self.turns.lock().await;
        let build = async || {
            let bed = build().await?;
            let options = bed.options();
            anyhow::Ok((bed, options))
        };
        let (bed, options) = self.bed.get_or_try_init(build).await?;
        if *last == LastTurn::Broke {
            restore(bed, options).await?;
        }
        *last = LastTurn::Broke;
        Turn::begin(bed, &self.large, last).await
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

/// Starts the store and our services anew, with the options that the test bed had at first: what a failed test has
/// frozen, ended, configured or set at run time is undone, its jobs are forgotten and its images removed.
async fn restore(bed: &TestBed, options: &Options) -> anyhow::Result<()> {
    bed.change_options(|now| *now = options.clone())?;
    let lone_redis = options.redis_replicas == 0;
    for (part, pid) in bed.parts().await? {
        if pid.is_some() {
            bed.thaw(part).await?;
            if part.is_service() || part == Part::Redis {
                bed.kill(part).await?;
            }
        }
    }
    // Sentinels and replicas hold what they have for the truth.
    if lone_redis {
        std::fs::remove_dir_all(bed.directory().join(Part::Redis.to_string()))?;
    }
    for (part, pid) in bed.parts().await? {
        if pid.is_none() {
            bed.start(part).await?;
        }
    }
    let there = bed.cloud_in("alice", Region::Ot2, "proj-ot2").await?;
    for image in Replicas::of(bed, &there).owned().await? {
        there.delete_image(&image).await?;
    }
    Ok(())
}

/// The turn as it is held.
pub(crate) type Held = MutexGuard<'static, LastTurn>;
