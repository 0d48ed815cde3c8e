//! In how many streams a download is read: what has happened is told to the [`Adaptation`](super::Adaptation) now and then.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::Running;
use crate::transfer::streams::{Observation, StreamBounds, TICK};

/// What happened since the adaptation was last told.
pub(super) struct Seen {
    since: Instant,
    pub(super) bytes: u64,
    /// How long the upload had waited before.
    waited: Duration,
    pub(super) was_full: bool,
    pub(super) was_capped: bool,
}

// === impl Seen ===

impl Seen {
    /// Nothing yet, by an upload that has waited so long.
    pub(super) fn nothing(since: Instant, waited: Duration) -> Self {
        Self {
            since,
            bytes: 0,
            waited,
            was_full: false,
            was_capped: false,
        }
    }
}

// === impl Running ===

impl Running<'_> {
    /// When the number of streams is looked at: never for an image that is read in one.
    pub(super) fn looks(&self) -> Option<Interval> {
        if !may_be_several(self.download.streams, self.parts.missing()) {
            return None;
        }
        let mut looks = interval(TICK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks.reset();
        Some(looks)
    }

    /// As many streams as memory, source and image allow.
    pub(super) fn most(&self) -> usize {
        if !self.honours_ranges {
            return 1;
        }
        let smallest = self.download.streams.smallest_range;
        let memory = self.filler.share().limit() as u64;
        most_streams(self.parts.missing(), memory, smallest)
    }

    pub(super) fn adapt(&mut self) {
        let now = Instant::now();
        let waited = self.filler.waited();
        let seen = std::mem::replace(&mut self.seen, Seen::nothing(now, waited));
        let before = self.adaptation.target(self.most());
        let elapsed = now.duration_since(seen.since);
        let starved = waited.saturating_sub(seen.waited);
        let had_no_room = seen.was_full || self.parts.has_blocked();
        self.adaptation.observe(&Observation {
            elapsed,
            bytes: seen.bytes,
            starved,
            // Else it is the front that all wait for.
            is_full: had_no_room && starved < elapsed / 10,
            is_capped: seen.was_capped,
            most: self.most(),
        });
        let target = self.adaptation.target(self.most());
        if target != before {
            tracing::debug!(image.id = %self.download.spec.source.image, streams = target,
                "the source is read in another number of ranges at once");
        }
    }
}

/// Waits for the next look; for ever, when there is none.
pub(super) async fn next_look(looks: &mut Option<Interval>) {
    match looks {
        Some(looks) => {
            looks.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether there can be several streams for so many bytes, however much memory other copies leave.
fn may_be_several(bounds: StreamBounds, missing: u64) -> bool {
    bounds
        .max
        .min(most_streams(missing, u64::MAX, bounds.smallest_range))
        > 1
}

/// So many that each has two ranges ahead of it and room for one, in bytes.
fn most_streams(missing: u64, memory: u64, smallest_range: u64) -> usize {
    let smallest = smallest_range.max(1);
    let most = (missing / smallest / 2).min(memory / smallest);
    usize::try_from(most).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_streams_than_image_and_memory_allow() {
        assert_eq!(most_streams(1000, 1000, 100), 5);
        assert_eq!(most_streams(1000, 300, 100), 3);
        assert_eq!(most_streams(199, 1000, 100), 0, "its rest is read in one");
        assert_eq!(most_streams(10, 10, 0), 5, "no range is empty");
    }

    /// Each stream has buffers beside the memory that is shared, and asks a Glance that may be busy.
    #[test]
    fn copies_beside_others_have_fewer_streams_each() {
        const MIB: u64 = 1024 * 1024;
        let StreamBounds {
            max,
            smallest_range,
            ..
        } = StreamBounds::default();
        for (copies, streams) in [(1, max), (2, 4), (8, 1)] {
            let share = 32 * MIB / copies;
            assert_eq!(most_streams(1024 * MIB, share, smallest_range), streams);
        }
    }

    #[test]
    fn a_copy_that_began_beside_many_is_looked_at_for_when_it_is_alone() {
        let bounds = StreamBounds::default();
        let range = bounds.smallest_range;
        assert!(may_be_several(bounds, 4 * range));
        assert!(!may_be_several(bounds, 3 * range));
        assert!(!may_be_several(
            StreamBounds { max: 1, ..bounds },
            4 * range
        ));
    }
}
