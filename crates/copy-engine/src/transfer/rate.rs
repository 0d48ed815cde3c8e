//! The minimum rate of a transfer, averaged over a window, so that a copy that crawls for ever ends
//! and leaves its slot to another. Pure: the caller brings time and bytes.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The slowest transfer that is let go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumRate {
    /// Bytes a second; 0 lets everything go on.
    pub bytes_per_second: u64,
    /// The time that the rate is averaged over; nothing is judged before it has passed once.
    pub window: Duration,
}

/// Samples are taken this many times a window: memory stays small however long the window is.
const SAMPLES_PER_WINDOW: u32 = 60;

/// The bytes of one transfer over the last window.
#[derive(Debug)]
pub(super) struct RateWindow {
    minimum: MinimumRate,
    samples: VecDeque<(Instant, u64)>,
}

// === impl RateWindow ===

impl RateWindow {
    /// A window that begins now, with so many bytes moved before.
    pub(super) fn new(minimum: MinimumRate, start: Instant, bytes: u64) -> Self {
        Self {
            minimum,
            samples: VecDeque::from([(start, bytes)]),
        }
    }

    /// Takes note of the bytes moved so far. The rate in bytes a second when it is too low.
    pub(super) fn observe(&mut self, now: Instant, bytes: u64) -> Option<u64> {
        let window = self.minimum.window;
        let spacing = window / SAMPLES_PER_WINDOW;
        if self
            .samples
            .back()
            .is_none_or(|(at, _)| now.duration_since(*at) >= spacing)
        {
            self.samples.push_back((now, bytes));
        }
        while let Some((at, _)) = self.samples.get(1)
            && now.duration_since(*at) >= window
        {
            self.samples.pop_front();
        }
        let (since, bytes_then) = self.samples.front()?;
        let elapsed = now.duration_since(*since);
        if elapsed < window || elapsed.is_zero() {
            return None;
        }
        let moved = u128::from(bytes.saturating_sub(*bytes_then));
        let rate = moved * 1_000_000_000 / elapsed.as_nanos();
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        (rate < self.minimum.bytes_per_second).then_some(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMUM: MinimumRate = MinimumRate {
        bytes_per_second: 100,
        window: Duration::from_secs(60),
    };

    /// The first second at which a transfer of `rate(second)` bytes a second is found too slow.
    fn too_slow_at(rate: impl Fn(u64) -> u64) -> Option<u64> {
        let start = Instant::now();
        let mut window = RateWindow::new(MINIMUM, start, 0);
        let mut bytes = 0;
        (1..=600).find(|second| {
            bytes += rate(*second);
            window
                .observe(start + Duration::from_secs(*second), bytes)
                .is_some()
        })
    }

    #[test]
    fn only_a_whole_window_below_the_minimum_counts() {
        assert_eq!(too_slow_at(|_| 100), None);
        assert_eq!(too_slow_at(|_| 99), Some(60));
        assert_eq!(too_slow_at(|_| 0), Some(60));
        // A burst pays for a pause of half a window, not for one of a whole window.
        assert_eq!(
            too_slow_at(|second| if second % 60 < 30 { 220 } else { 0 }),
            None
        );
        assert_eq!(
            too_slow_at(|second| if second <= 100 { 1000 } else { 0 }),
            Some(155)
        );
    }

    #[test]
    fn a_minimum_of_zero_never_complains() {
        let start = Instant::now();
        let mut window = RateWindow::new(
            MinimumRate {
                bytes_per_second: 0,
                ..MINIMUM
            },
            start,
            0,
        );
        assert_eq!(window.observe(start + Duration::from_secs(900), 0), None);
    }
}
