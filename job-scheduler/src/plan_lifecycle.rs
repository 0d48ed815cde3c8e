//! What happens to a plan: pure functions from a record, something that happens and the time to the next record.
//!
//! Nothing here reads a clock or does I/O. Every function is total and harmless to repeat: what does not fit the
//! record (any more) changes nothing. Called by the plan service and the keeper, which commit the result by version.

mod advance;
mod check;
mod create;
mod edit;
mod end;
mod fire;
mod news;
mod outbox;
mod rotation;
mod signal;
mod timing;
mod view;

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod sample;

use std::time::Duration;

use domain::{InvalidSchedule, RegionId};

pub use check::{awaited, lost, removals};
pub use create::{Wanted, accept};
pub use edit::{Edit, edit};
pub use fire::wake;
pub use news::{News, Replica, apply};
pub use outbox::carried_out;
pub use rotation::{candidates, forget, rotate};
pub use signal::{Signal, signal};
pub use view::view;

/// The rules of a plan's life, from the configuration.
#[derive(Debug, Clone)]
pub struct PlanRules {
    /// The configured regions: an action that names another fails.
    pub regions: Vec<RegionId>,
    /// How late a fire may be and still run.
    pub late_window: Duration,
    /// The shortest distance between two fires that a schedule may have.
    pub shortest_period: Duration,
}

/// Why a plan was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlan {
    /// Its schedule makes no sense.
    #[error(transparent)]
    Schedule(#[from] InvalidSchedule),
    /// It would fire too often.
    #[error(
        "job_schedule: two fires are {found:?} apart; leave {shortest:?} between them at the least"
    )]
    TooOften {
        /// The shortest distance that it has.
        found: Duration,
        /// The shortest that it may have.
        shortest: Duration,
    },
    /// Two of its actions have one id.
    #[error("action_id: two actions have the id {0}")]
    SameAction(domain::ActionId),
    /// It names a region that nobody knows.
    #[error("region `{0}` is not configured")]
    UnknownRegion(RegionId),
}

// === impl PlanRules ===

impl PlanRules {
    /// Whether the configuration has a region.
    #[must_use]
    pub fn knows(&self, region: &RegionId) -> bool {
        self.regions.contains(region)
    }
}
