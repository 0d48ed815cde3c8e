//! Whether the control plane keeps up: gateway, schedulers and Redis under many callers, many workers and many jobs.
//! No byte is copied.
//!
//! - [`ground`]: what runs; [`glance_stub`]: the one fake in it.
//! - [`copies`]: jobs by gRPC; [`load`]: many requests at once.
//! - [`gateway`], [`cycles`], [`fleet`], [`coalescing`], [`sizes`]: what is measured.

pub(crate) mod coalescing;
mod copies;
mod cycles;
pub(crate) mod fleet;
mod gateway;
mod glance_stub;
mod ground;
mod load;
pub(crate) mod sizes;

use std::time::Duration;

use self::coalescing::Writes;
use self::fleet::Fleet;
use self::ground::Ground;
use self::sizes::Sizes;

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Gateway,
    Cycles,
    Fleet,
    Coalescing,
    Sizes,
}

/// What is wanted of these tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) parts: Vec<Part>,
    /// How long each load goes on.
    pub(crate) load: Duration,
    /// Copies that one worker takes from claim to finish.
    pub(crate) cycles: usize,
    /// Jobs that the stores hold which are compared.
    pub(crate) sizes: Vec<usize>,
    /// Jobs that each of these stores sees from their create to their finish.
    pub(crate) rounds: usize,
    /// How often what schedulers do by themselves is measured.
    pub(crate) passes: usize,
}

/// What the targets are about, as far as it was measured.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) fleet: Option<Fleet>,
    pub(crate) writes: Option<Writes>,
    pub(crate) sizes: Option<Sizes>,
}

// === impl Part ===

impl Part {
    pub(crate) const ALL: [Self; 5] = [
        Self::Gateway,
        Self::Cycles,
        Self::Fleet,
        Self::Coalescing,
        Self::Sizes,
    ];
}

// === impl Wanted ===

impl Wanted {
    pub(crate) fn new(parts: Vec<Part>, quick: bool) -> Self {
        if quick {
            return Self {
                parts,
                load: Duration::from_secs(2),
                cycles: 20,
                sizes: vec![10, 100, 1_000],
                rounds: 20,
                passes: 5,
            };
        }
        Self {
            parts,
            load: Duration::from_secs(15),
            cycles: 2_000,
            sizes: vec![10, 10_000, 1_000_000],
            rounds: 1_000,
            passes: 50,
        }
    }
}

/// Measures, and prints each table as soon as it is there.
///
/// # Errors
/// When a part can't be started, or anything is refused that should not be.
pub(crate) async fn measure(wanted: &Wanted) -> anyhow::Result<Figures> {
    let ground = Ground::set().await?;
    let mut figures = Figures::default();
    for part in &wanted.parts {
        let text = match part {
            Part::Gateway => gateway::measure(&ground, wanted).await?,
            Part::Cycles => cycles::measure(&ground, wanted).await?,
            Part::Fleet => {
                let (fleet, text) = fleet::measure(&ground, wanted).await?;
                figures.fleet = Some(fleet);
                text
            }
            Part::Coalescing => {
                let (writes, text) = coalescing::measure(&ground, wanted).await?;
                figures.writes = Some(writes);
                text
            }
            Part::Sizes => {
                let (sizes, text) = sizes::measure(&ground, wanted).await?;
                figures.sizes = Some(sizes);
                text
            }
        };
        println!("{text}");
    }
    ground.end().await?;
    Ok(figures)
}
