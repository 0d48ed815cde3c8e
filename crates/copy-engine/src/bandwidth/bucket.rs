//! A token bucket in virtual time: what has been given away is the time at which it is paid.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What was not used for so long is lost: the most that comes at once.
const BURST: Duration = Duration::from_millis(100);
/// All that wait have their turn within about so long.
const ROUND: Duration = Duration::from_millis(60);
/// Turns are not made smaller, in bytes.
const SMALLEST_TURN: u64 = 1024;

/// A cap, or none.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    state: Mutex<State>,
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    rate: Option<NonZeroU64>,
    /// Until then, everything is given away; none: nothing yet.
    given_until: Option<Instant>,
}

/// Somebody who waits for a turn, for as long as this lives.
#[derive(Debug)]
pub(super) struct Waiting<'a>(&'a AtomicUsize);

// === impl Bucket ===

impl Bucket {
    /// Sets the rate, in bytes a second; turns that were taken before are void.
    pub(super) fn set(&self, rate: Option<NonZeroU64>) {
        *self.state() = State {
            rate,
            given_until: None,
        };
    }

    pub(super) fn rate(&self) -> Option<NonZeroU64> {
        self.state().rate
    }

    /// From the next turn on, it is this rate; turns that were taken before stand. For a bucket that has one.
    pub(super) fn change_rate(&self, rate: NonZeroU64) {
        self.state().rate = Some(rate);
    }

    /// How many bytes may go on at once; none: any.
    pub(super) fn turn(&self) -> Option<usize> {
        let rate = self.state().rate?.get();
        let round = u128::from(rate) * ROUND.as_millis() / 1000;
        let waiting = self.waiting.load(Ordering::Relaxed) as u128 + 1;
        let turn = u64::try_from(round / waiting).unwrap_or(u64::MAX);
        Some(usize::try_from(turn.max(SMALLEST_TURN)).unwrap_or(usize::MAX))
    }

    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(&self.waiting)
    }

    /// Gives so many bytes away; from when on, unless there is no cap.
    pub(super) fn reserve(&self, bytes: usize, now: Instant) -> Option<Instant> {
        let mut state = self.state();
        let rate = state.rate?.get();
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let begins = state.given_until.map_or(now, |until| until.max(earliest));
        let nanoseconds = bytes as u128 * 1_000_000_000 / u128::from(rate);
        let lasts = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        state.given_until = Some(begins + lasts);
        Some(begins)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
