//! How often one tenant may ask. Keyed by project, not by address: behind a front all addresses are
//! the same, and a tenant's scripts run in many places.

use domain::TenantId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use service_kit::config::GatewayConfig;

use crate::fault::Fault;

/// Above this many tenants, those that have not asked lately are forgotten.
const REMEMBERED: usize = 10_000;

/// The request rates of all tenants.
#[derive(Debug)]
pub(crate) struct RequestRate {
    limiter: DefaultKeyedRateLimiter<TenantId>,
    clock: DefaultClock,
}

impl RequestRate {
    /// `requests_per_second` in the long run, `request_burst` at once.
    #[must_use]
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let quota = Quota::per_second(config.requests_per_second).allow_burst(config.request_burst);
        Self {
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of `tenant`.
    ///
    /// # Errors
    /// [`Fault::TooMany`] when it is too early for another one; it says when it is not.
    pub(crate) fn admit(&self, tenant: &TenantId) -> Result<(), Fault> {
        if self.limiter.len() > REMEMBERED {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(tenant)
            .map_err(|too_early| Fault::TooMany {
                message: "Your project sends requests faster than it may. Wait a moment."
                    .to_owned(),
                retry_after: too_early.wait_time_from(self.clock.now()),
            })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn one_tenant_does_not_slow_another_down() {
        let quota = Quota::per_hour(NonZeroU32::MIN);
        let rate = RequestRate {
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
        };
        let (busy, quiet) = (TenantId::new("busy"), TenantId::new("quiet"));
        assert_eq!(rate.admit(&busy), Ok(()));
        assert!(matches!(rate.admit(&busy), Err(Fault::TooMany { .. })));
        assert_eq!(rate.admit(&quiet), Ok(()));
    }
}
