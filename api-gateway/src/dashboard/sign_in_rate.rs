//! How often somebody may try to sign in. There is no project yet to count by, and behind a front all addresses are the same: so
//! it is counted by who one claims to be, against guessing, and for all together, so that Keystone is not flooded.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use service_kit::config::GatewayConfig;

use crate::fault::Fault;

/// Tries of one user at once.
const AT_ONCE: NonZeroU32 = NonZeroU32::new(20).expect("20 is not 0");
/// Tries of one user in the long run: one in this time.
const EVERY: Duration = Duration::from_secs(3);
/// Above this many users, those that have not tried lately are forgotten.
const REMEMBERED: usize = 10_000;

/// Who somebody claims to be: a digest, so that no name and no token is kept.
pub(super) type Claim = [u8; 32];

/// The rates of all users, and of all together.
#[derive(Debug)]
pub(crate) struct SignInRate {
    of_one: DefaultKeyedRateLimiter<Claim>,
    of_all: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

impl SignInRate {
    /// All together may try as often as one tenant may ask.
    #[must_use]
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let all = Quota::per_second(config.requests_per_second).allow_burst(config.request_burst);
        Self::of(all)
    }

    fn of(all: Quota) -> Self {
        let one = Quota::with_period(EVERY).expect("3 s is more than nothing");
        Self {
            of_one: RateLimiter::keyed(one.allow_burst(AT_ONCE)),
            of_all: RateLimiter::direct(all),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a try.
    ///
    /// # Errors
    /// [`Fault::TooMany`] when it is too early for another one; it says when it is not.
    pub(super) fn admit(&self, claim: Claim) -> Result<(), Fault> {
        if self.of_one.len() > REMEMBERED {
            self.of_one.retain_recent();
        }
        let whose = "There were too many tries to sign in as this user. Wait a moment.";
        let admitted = self.of_one.check_key(&claim);
        admitted.map_err(|early| self.too_many(whose, &early))?;
        let everybodys = "Too many people are signing in at this moment. Wait a moment.";
        let admitted = self.of_all.check();
        admitted.map_err(|early| self.too_many(everybodys, &early))
    }

    fn too_many(&self, message: &str, early: &NotUntil<<DefaultClock as Clock>::Instant>) -> Fault {
        Fault::TooMany {
            message: message.to_owned(),
            retry_after: early.wait_time_from(self.clock.now()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(rate: &SignInRate, claims: impl Iterator<Item = Claim>) -> usize {
        claims.filter(|claim| rate.admit(*claim).is_ok()).count()
    }

    #[test]
    fn guessing_at_one_user_is_slow_and_others_do_not_notice() {
        let rate = SignInRate::of(Quota::per_second(NonZeroU32::MAX));
        assert_eq!(admitted(&rate, std::iter::repeat_n([1; 32], 50)), 20);
        assert_eq!(admitted(&rate, std::iter::once([2; 32])), 1);
    }

    #[test]
    fn guessing_at_all_users_is_bounded_too() {
        let all = Quota::per_hour(NonZeroU32::MIN).allow_burst(AT_ONCE);
        let rate = SignInRate::of(all);
        assert_eq!(admitted(&rate, (0..200).map(|user| [user; 32])), 20);
    }
}
