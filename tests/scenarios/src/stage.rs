//! The test beds of a test binary that its tests may break: they take turns, and one that failed spoils nothing for the
//! next.

use std::time::Duration;

use anyhow::Context;
use testbed::{Builder, GlanceOptions, MadeImage, Options, Part, Region, TestBed};
use tokio::sync::{Mutex, MutexGuard, OnceCell, Semaphore, SemaphorePermit};

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

/// Test beds to play on, in a `static` of the test binary. Never dropped: they end when the process does.
///
/// Tests wait more than they work, so a binary with many of them is over sooner with two.
#[derive(Debug)]
pub struct Stage<const BEDS: usize = 1> {
    places: [Place; BEDS],
    free: Semaphore,
}

/// One of them.
#[derive(Debug)]
struct Place {
    bed: OnceCell<(TestBed, Options)>,
    large: OnceCell<MadeImage>,
    turns: Mutex<LastTurn>,
}

/// A turn as it is held; the place is free before the next may look for one.
pub(crate) struct Held {
    pub(crate) last: MutexGuard<'static, LastTurn>,
    _free: SemaphorePermit<'static>,
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

impl<const BEDS: usize> Stage<BEDS> {
    /// A stage on which nothing stands yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            places: [const { Place::empty() }; BEDS],
            free: Semaphore::const_new(BEDS),
        }
    }

    /// Waits for a test's turn; the first on a place builds the test bed. Everything runs then, and is as it was at first.
    ///
    /// # Errors
    /// When the test bed cannot be built or brought back to its beginning.
    pub async fn turn(
        &'static self,
        build: impl AsyncFnOnce() -> anyhow::Result<TestBed>,
    ) -> anyhow::Result<Turn> {
        let free = self.free.acquire().await?;
        let places = self.places.iter();
        let mut taken = places.filter_map(|place| Some((place, place.turns.try_lock().ok()?)));
        let (place, mut last) = taken.next().context("a permit for every place")?;
        let build = async || {
            let bed = build().await?;
            let options = bed.options();
            anyhow::Ok((bed, options))
        };
        let (bed, options) = place.bed.get_or_try_init(build).await?;
        if *last == LastTurn::Broke {
            restore(bed, options).await?;
        }
        *last = LastTurn::Broke;
        Turn::begin(bed, &place.large, Held { last, _free: free }).await
    }
}

impl<const BEDS: usize> Default for Stage<BEDS> {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Place ===

impl Place {
    const fn empty() -> Self {
        Self {
            bed: OnceCell::const_new(),
            large: OnceCell::const_new(),
            turns: Mutex::const_new(LastTurn::Left),
        }
    }
}

/// Starts the store, our services and Glances that are set up otherwise anew, with the options that the test bed had at
/// first: what a failed test has frozen, ended, configured or set at run time is undone, its jobs are forgotten and its
/// images removed.
async fn restore(bed: &TestBed, options: &Options) -> anyhow::Result<()> {
    let other_glances = bed.options().glance != options.glance;
    bed.change_options(|now| *now = options.clone())?;
    for (part, pid) in bed.parts().await? {
        if pid.is_some() {
            bed.thaw(part).await?;
            let is_other = other_glances && matches!(part, Part::Glance(_));
            if part.is_service() || part == Part::Redis || is_other {
                bed.kill(part).await?;
            }
        }
    }
    let data = bed.directory().join(Part::Redis.to_string());
    // Sentinels and replicas hold what they have for the truth.
    if options.redis_replicas == 0 && data.exists() {
        std::fs::remove_dir_all(data)?;
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
