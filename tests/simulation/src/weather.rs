//! Troubles that last for a while, and what is left to chance meanwhile.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::chance::Chance;
use crate::flaw::Flaw;
use crate::journal::Journal;
use crate::scenario::{Setting, Side};
use crate::witness::Witness;

/// What every simulated part looks at before it does its work.
#[derive(Debug)]
pub(crate) struct Weather {
    pub(crate) chance: Chance,
    pub(crate) journal: Journal,
    pub(crate) witness: Witness,
    /// What is done wrong on purpose.
    pub(crate) flaw: Flaw,
    /// Mishaps in a hundred calls.
    mishaps: Mutex<u64>,
    until: Mutex<BTreeMap<Trouble, Instant>>,
}

/// A trouble that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    StoreAway,
    BrokerAway,
    MessagesLate,
    AnswersLost,
    Partition(usize),
    GlanceAway(Side),
    GlanceLate(Side),
    GlanceRefuses(Side),
    /// The destination's Glance deletes nothing.
    GlanceKeeps,
    /// The destination's Glance stores other bytes than it was sent, now and then.
    GlanceCorrupts,
}

impl Weather {
    pub(crate) fn new(setting: &Setting, flaw: Flaw) -> Self {
        Self {
            chance: Chance::seeded(setting.chance),
            journal: Journal::new(),
            witness: Witness::new(Duration::from_secs(setting.lease)),
            flaw,
            mishaps: Mutex::new(setting.mishaps),
            until: Mutex::default(),
        }
    }

    /// From now on, for so long.
    pub(crate) fn begin(&self, trouble: Trouble, lasts: Duration) {
        let end = Instant::now() + lasts;
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let until = until.entry(trouble).or_insert(end);
        *until = end.max(*until);
    }

    pub(crate) fn is(&self, trouble: Trouble) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.get(&trouble).is_some_and(|end| Instant::now() < *end)
    }

    /// Whether this one call meets a mishap.
    pub(crate) fn mishap(&self) -> bool {
        let mishaps = *self.mishaps.lock().unwrap_or_else(PoisonError::into_inner);
        self.chance.percent(mishaps)
    }

    /// The end of all troubles.
    pub(crate) fn clear(&self) {
        *self.mishaps.lock().unwrap_or_else(PoisonError::into_inner) = 0;
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.clear();
    }
}
