//! Delays between tries: doubling, bounded, with jitter so that many clients do not return at once.

use std::time::Duration;

use rand::RngExt;

/// Delays that double from `first` up to `longest`. Each is drawn from the upper half of its range
/// ("equal jitter"), so that a delay is never close to zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
}

/// Bounds that make no backoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a backoff needs 0 < first ≤ longest, not {first:?} and {longest:?}")]
pub struct InvalidBackoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// Delays from `first` to `longest`.
    ///
    /// # Errors
    /// [`InvalidBackoff`] when `first` is zero or larger than `longest`.
    pub fn new(first: Duration, longest: Duration) -> Result<Self, InvalidBackoff> {
        if first.is_zero() || first > longest {
            return Err(InvalidBackoff { first, longest });
        }
        Ok(Self { first, longest })
    }

    /// The delay before the next try, after `failures` (from 1) tries have failed.
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        let ceiling = self.ceiling(failures);
        ceiling.mul_f64(rand::rng().random_range(0.5..=1.0))
    }

    /// The delay without its jitter.
    fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds_that_make_no_sense_are_refused() {
        let second = Duration::from_secs(1);
        assert!(Backoff::new(Duration::ZERO, second).is_err());
        assert!(Backoff::new(second * 2, second).is_err());
    }

    proptest! {
        #[test]
        fn delays_stay_within_their_half(failures in 0_u32..100) {
            let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30)).expect("valid");
            let ceiling = backoff.ceiling(failures);
            let delay = backoff.delay(failures);
            prop_assert!(ceiling <= Duration::from_secs(30));
            prop_assert!(delay <= ceiling && delay >= ceiling / 2);
        }
    }
}
