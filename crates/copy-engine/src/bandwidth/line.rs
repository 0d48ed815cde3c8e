//! What one pair of regions may have, and this process' part of it.
//!
//! All workers that copy between two regions divide the pair's cap among them, by the copies that each runs: the scheduler
//! counts all, a worker its own. Until it is told how many there are, a worker takes itself to be alone.

use std::num::NonZeroU64;
use std::sync::Arc;

use super::bucket::Bucket;

/// One pair of regions.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) bucket: Arc<Bucket>,
    /// Of the pair, whoever reads, in bytes a second.
    pub(super) cap: Option<NonZeroU64>,
    /// Copies of this process.
    here: u32,
    /// Copies of all, as was told last.
    everywhere: Option<u32>,
}

// === impl Line ===

impl Line {
    /// Sets the cap; turns that were taken before are void.
    pub(super) fn set(&mut self, cap: Option<NonZeroU64>) {
        self.cap = cap;
        self.bucket.set(self.part());
    }

    pub(super) fn begin(&mut self) {
        self.here += 1;
        self.divide();
    }

    pub(super) fn end(&mut self) {
        self.here = self.here.saturating_sub(1);
        if self.here == 0 {
            // It would be old when there is one again.
            self.everywhere = None;
        }
        self.divide();
    }

    pub(super) fn told(&mut self, everywhere: u32) {
        self.everywhere = Some(everywhere);
        self.divide();
    }

    fn divide(&self) {
        if let Some(rate) = self.part() {
            self.bucket.change_rate(rate);
        }
    }

    pub(super) fn part(&self) -> Option<NonZeroU64> {
        Some(part(self.cap?, self.here, self.everywhere))
    }
}

/// The part of a cap for those that are here. What is counted elsewhere is a little old: those that are here count in any
/// case.
fn part(cap: NonZeroU64, here: u32, everywhere: Option<u32>) -> NonZeroU64 {
    let here = here.max(1);
    let all = everywhere.unwrap_or(here).max(here);
    let part = u128::from(cap.get()) * u128::from(here) / u128::from(all);
    let part = u64::try_from(part).unwrap_or(u64::MAX);
    NonZeroU64::new(part).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_divided_by_copies() {
        let of = |cap, here, everywhere| {
            part(NonZeroU64::new(cap).expect("a rate"), here, everywhere).get()
        };
        assert_eq!(of(900, 1, None), 900, "alone until told otherwise");
        assert_eq!(of(900, 1, Some(3)), 300);
        assert_eq!(of(900, 2, Some(3)), 600);
        assert_eq!(of(900, 3, Some(2)), 900, "an old count");
        assert_eq!(of(900, 0, Some(0)), 900);
        assert_eq!(of(2, 1, Some(3)), 1, "never nothing");
        assert_eq!(of(u64::MAX, 2, Some(3)), u64::MAX / 3 * 2);
    }
}
