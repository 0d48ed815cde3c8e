//! How many ranges of an image are read at once: a pure function of what was observed.
//!
//! It begins with the fewest. While the upload waits for bytes the number is doubled, and what that brings is measured: a
//! try that brings little is taken back, and the next one comes later and is smaller. A source that refuses (429, 503) halves
//! the number and is left alone for as long as it says; an upload that is the bottleneck, which shows by read-ahead that
//! stays full, takes one away after the other. When our own bandwidth cap is what holds the copy back, more would bring
//! nothing to it and take from others.

use std::time::Duration;

/// The fewest and the most ranges at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamBounds {
    /// What an image begins with that is large enough, where there is memory for it; at least 1.
    pub min: usize,
    /// At least `min`.
    pub max: usize,
    /// No range but the last is made smaller, in bytes: each is a request of its own, for which a Glance looks up token and rights. An image
    /// of fewer than a few of them is read in one stream, and a copy has no more at once than its share of the memory holds.
    pub smallest_range: u64,
}

/// How often the executor observes.
pub(super) const TICK: Duration = Duration::from_millis(200);
/// A rate is an average over so much.
const MEASURE: Duration = Duration::from_secs(1);
/// A try has so long to show that it helps: a connection over a long line takes seconds to come up to its rate.
const TRIAL: Duration = Duration::from_secs(3);
/// It helps if it brings this part of what as many more streams would bring at best.
const USEFUL: f64 = 0.25;
/// An upload that waits for less than this part of the time has enough.
const STARVED: f64 = 0.1;
/// After a try that did not help, and after a refusal, until the next; the pause doubles up to the longest.
const REST: Duration = Duration::from_secs(10);
const LONGEST_REST: Duration = Duration::from_secs(300);
/// Read-ahead that is full for so long says that the upload is the bottleneck; longer each time that it was wrong.
const FULL: Duration = Duration::from_secs(2);
const LONGEST_FULL: Duration = Duration::from_secs(60);
/// In bytes a second: a stream that brings so much has no long line, and the processor is its limit.
const FAST_ENOUGH: f64 = 256.0 * 1024.0 * 1024.0;

/// What happened since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Observation {
    /// How long that was.
    pub(super) elapsed: Duration,
    /// What all streams brought.
    pub(super) bytes: u64,
    /// How long the upload waited for bytes.
    pub(super) starved: Duration,
    /// The read-ahead was full.
    pub(super) is_full: bool,
    /// Our own bandwidth cap held reads back.
    pub(super) is_capped: bool,
    /// As many as memory and the rest of the image allow.
    pub(super) most: usize,
}

/// The decision, and what it is made of.
#[derive(Debug)]
pub(super) struct Adaptation {
    bounds: StreamBounds,
    target: usize,
    rate: Rate,
    trial: Option<Trial>,
    /// Until the next try may begin.
    rest: Duration,
    next_rest: Duration,
    /// Whether a try doubles; after one that failed it adds a quarter.
    doubles: bool,
    full_for: Duration,
    full_patience: Duration,
    /// The number was taken down for a full read-ahead since it last grew.
    has_shrunk: bool,
}

#[derive(Debug)]
struct Trial {
    before: usize,
    rate_before: f64,
    spent: Duration,
}

/// The last observations, no more than [`MEASURE`] of them.
#[derive(Debug, Default)]
struct Rate {
    samples: std::collections::VecDeque<(Duration, u64, Duration)>,
}

// === impl StreamBounds ===

impl Default for StreamBounds {
    fn default() -> Self {
        Self {
            min: 1,
            max: 8,
            smallest_range: 4 * 1024 * 1024,
        }
    }
}

// === impl Rate ===

impl Rate {
    fn add(&mut self, observed: &Observation) {
        let sample = (observed.elapsed, observed.bytes, observed.starved);
        self.samples.push_back(sample);
        while let Some((first, ..)) = self.samples.front()
            && self.span() - *first >= MEASURE
        {
            self.samples.pop_front();
        }
    }

    fn span(&self) -> Duration {
        self.samples.iter().map(|(elapsed, ..)| elapsed).sum()
    }

    /// Bytes a second.
    fn bytes(&self) -> f64 {
        let bytes: u64 = self.samples.iter().map(|(_, bytes, _)| bytes).sum();
        #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
        let bytes = bytes as f64;
        bytes / self.span().as_secs_f64().max(f64::EPSILON)
    }

    /// The part of the time in which the upload waited.
    fn starved(&self) -> f64 {
        let starved: Duration = self.samples.iter().map(|(.., starved)| starved).sum();
        starved.as_secs_f64() / self.span().as_secs_f64().max(f64::EPSILON)
    }

    /// The latest observations alone, to see a change soon.
    fn is_settled(&self) -> bool {
        self.span() >= TICK * 2
    }

    fn restart(&mut self) {
        self.samples.clear();
    }
}

// === impl Adaptation ===

impl Adaptation {
    pub(super) fn new(bounds: StreamBounds) -> Self {
        Self {
            bounds,
            target: bounds.min.max(1),
            rate: Rate::default(),
            trial: None,
            rest: Duration::ZERO,
            next_rest: REST,
            doubles: true,
            full_for: Duration::ZERO,
            full_patience: FULL,
            has_shrunk: false,
        }
    }

    /// How many ranges are to be read at once, when so many are possible.
    pub(super) fn target(&self, most: usize) -> usize {
        self.target.min(most).max(1)
    }

    /// Takes note of what happened.
    pub(super) fn observe(&mut self, observed: &Observation) {
        self.rate.add(observed);
        self.rest = self.rest.saturating_sub(observed.elapsed);
        self.full_for = match observed.is_full {
            true => self.full_for + observed.elapsed,
            false => Duration::ZERO,
        };
        if self.judge_trial(observed) {
            return;
        }
        let fewest = match observed.is_capped {
            true => 1,
            false => self.bounds.min,
        };
        if self.full_for >= self.full_patience || observed.is_capped {
            self.shrink(fewest);
        } else if self.wants_more() && !observed.is_capped {
            self.try_more(observed.most);
        }
    }

    /// The source would not serve one stream more, and perhaps said for how long.
    pub(super) fn refused(&mut self, retry_after: Option<Duration>) {
        self.trial = None;
        self.target = (self.target / 2).max(1);
        self.doubles = false;
        self.take_rest(retry_after.unwrap_or_default());
    }

    /// Whether a try goes on; ends it when it has shown what it is worth.
    fn judge_trial(&mut self, observed: &Observation) -> bool {
        let Some(trial) = &mut self.trial else {
            return false;
        };
        trial.spent += observed.elapsed;
        if !self.rate.is_settled() {
            return true;
        }
        #[expect(clippy::cast_precision_loss, reason = "a few streams")]
        let growth = self.target as f64 / trial.before as f64;
        let wanted = trial.rate_before * (1.0 + USEFUL * (growth - 1.0));
        if self.rate.bytes() >= wanted || self.rate.starved() < STARVED {
            if std::mem::take(&mut self.has_shrunk) {
                self.full_patience = (self.full_patience * 2).min(LONGEST_FULL);
            }
            self.trial = None;
            // What the next try is measured against begins when all of these streams deliver.
            self.rate.restart();
            return true;
        }
        if trial.spent < TRIAL {
            // The first bytes of new streams come late: they must not be outweighed by the time before.
            return true;
        }
        self.target = trial.before;
        self.trial = None;
        self.doubles = false;
        self.take_rest(Duration::ZERO);
        self.rate.restart();
        true
    }

    fn wants_more(&self) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a few streams")]
        let of_one = self.rate.bytes() / self.target as f64;
        self.rest.is_zero()
            && self.rate.is_settled()
            && self.rate.starved() >= STARVED
            && of_one < FAST_ENOUGH
    }

    fn try_more(&mut self, most: usize) {
        let step = match self.doubles {
            true => self.target,
            false => self.target.div_ceil(4),
        };
        let target = (self.target + step).min(self.bounds.max).min(most);
        if target <= self.target {
            return;
        }
        self.trial = Some(Trial {
            before: self.target,
            rate_before: self.rate.bytes(),
            spent: Duration::ZERO,
        });
        self.target = target;
        self.rate.restart();
    }

    fn shrink(&mut self, fewest: usize) {
        self.full_for = Duration::ZERO;
        if self.target > fewest {
            self.target -= 1;
            self.has_shrunk = true;
            self.doubles = false;
            self.rate.restart();
        }
    }

    fn take_rest(&mut self, at_least: Duration) {
        self.rest = self.next_rest.max(at_least);
        self.next_rest = (self.next_rest * 2).min(LONGEST_REST);
    }
}

#[cfg(test)]
mod tests;
