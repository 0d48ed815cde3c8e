//! What one measurement says, and how it is taken.

use std::time::Duration;

use tokio::time::Instant;

use crate::process;
use crate::stage::Stage;

/// One measurement.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Reading {
    /// Seconds that it took.
    pub(crate) wall: f64,
    /// Processor seconds of whoever moved the bytes.
    pub(crate) mover: f64,
    /// Processor seconds of the gateways and schedulers.
    pub(crate) control: f64,
    /// Processor seconds of the source's Glance.
    pub(crate) source: f64,
    /// Processor seconds of the destination's Glance.
    pub(crate) destination: f64,
    /// Seconds that threads of the destination's Glance could have run and had no processor.
    pub(crate) waits: f64,
    /// The most memory that the mover had resident, in bytes.
    pub(crate) peak: u64,
}

/// Who moves the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mover {
    /// Programs that the measured work starts and waits for; it says what memory they had.
    Programs,
    /// Our worker.
    Worker,
    /// A Glance itself.
    Glance,
}

/// Processor times, and waits for a processor, so far.
struct Counters {
    mover: Duration,
    control: Duration,
    source: Duration,
    destination: Duration,
    waits: Duration,
}

/// Measures `work`, which answers with the peak memory of the programs that it ran, in bytes.
///
/// # Errors
/// When the work fails, or a part of the test bed has ended.
pub(crate) async fn measure(
    stage: &Stage,
    mover: Mover,
    work: impl Future<Output = anyhow::Result<u64>>,
) -> anyhow::Result<Reading> {
    if mover == Mover::Worker {
        process::forget_peak(stage.worker)?;
    }
    let before = Counters::read(stage, mover)?;
    let started = Instant::now();
    let programs = work.await?;
    let wall = started.elapsed();
    let after = Counters::read(stage, mover)?;
    let spent =
        |of: fn(&Counters) -> Duration| of(&after).saturating_sub(of(&before)).as_secs_f64();
    let peak = match mover {
        Mover::Programs => programs,
        Mover::Worker => process::peak(stage.worker).unwrap_or_default(),
        Mover::Glance => 0,
    };
    Ok(Reading {
        wall: wall.as_secs_f64(),
        mover: spent(|counters| counters.mover),
        control: spent(|counters| counters.control),
        source: spent(|counters| counters.source),
        destination: spent(|counters| counters.destination),
        waits: spent(|counters| counters.waits),
        peak,
    })
}

// === impl Counters ===

impl Counters {
    fn read(stage: &Stage, mover: Mover) -> anyhow::Result<Self> {
        let control = stage.control.iter().map(|&pid| process::cpu_of_family(pid));
        Ok(Self {
            mover: match mover {
                Mover::Programs => process::cpu_of_ended_children()?,
                Mover::Worker => process::cpu_of_family(stage.worker)?,
                Mover::Glance => Duration::ZERO,
            },
            control: control.sum::<anyhow::Result<Duration>>()?,
            source: process::cpu_of_family(stage.source_glance)?,
            destination: process::cpu_of_family(stage.destination_glance)?,
            waits: process::waits_of_family(stage.destination_glance),
        })
    }
}
