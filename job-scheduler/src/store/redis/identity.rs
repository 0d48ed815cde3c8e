//! Who the store is and how far it has got, so that one that was wiped or fell back to an older state is known for it.

use std::sync::atomic::{AtomicU64, Ordering};

use redis::Script;
use uuid::Uuid;

use super::RedisStore;
use super::scripts::unexpected;
use crate::store::StoreError;

/// How far the counters behind all versions have got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sequences {
    /// Of jobs.
    pub jobs: u64,
    /// Of plans.
    pub plans: u64,
}

/// What the store says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Written once; none: nobody has written it, or it is gone with everything else.
    pub identity: Option<Uuid>,
    /// How far it has got.
    pub sequences: Sequences,
}

/// The highest versions of which the store has promised that they last.
#[derive(Debug, Default)]
pub(super) struct Promised {
    jobs: AtomicU64,
    plans: AtomicU64,
}

// === impl Sequences ===

impl Sequences {
    /// The further of both, each by itself.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            jobs: self.jobs.max(other.jobs),
            plans: self.plans.max(other.plans),
        }
    }

    /// Whether either is less far than in `other`.
    #[must_use]
    pub fn is_behind(self, other: Self) -> bool {
        self.jobs < other.jobs || self.plans < other.plans
    }
}

// === impl Promised ===

impl Promised {
    pub(super) fn job(&self, version: u64) {
        self.jobs.fetch_max(version, Ordering::Relaxed);
    }

    pub(super) fn plan(&self, version: u64) {
        self.plans.fetch_max(version, Ordering::Relaxed);
    }
}

// === impl RedisStore ===

impl RedisStore {
    /// What the store says of itself.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn standing(&self) -> Result<Standing, StoreError> {
        let mut command = redis::cmd("MGET");
        command
            .arg(self.keys.identity())
            .arg(self.keys.sequence())
            .arg(self.keys.plan_sequence());
        read(self.connection.command(&command).await?)
    }

    /// Gives the store an identity in the place of the one that was found, if it has that one still; and sees to it
    /// that no number is given out again, by raising what is behind. Returns what stands then.
    ///
    /// # Errors
    /// The store's.
    pub async fn identify(
        &self,
        found: Option<Uuid>,
        identity: Uuid,
        at_least: Sequences,
    ) -> Result<Standing, StoreError> {
        let script = Script::new(include_str!("../scripts/identify.lua"));
        let mut call = script.prepare_invoke();
        call.key(self.keys.identity())
            .key(self.keys.sequence())
            .key(self.keys.plan_sequence())
            .arg(found.map_or_else(String::new, |found| found.to_string()))
            .arg(identity.to_string())
            .arg(at_least.jobs)
            .arg(at_least.plans);
        read(self.connection.script(&call).await?)
    }

    /// The highest versions that were promised to last, by this scheduler.
    #[must_use]
    pub fn promised(&self) -> Sequences {
        Sequences {
            jobs: self.promised.jobs.load(Ordering::Relaxed),
            plans: self.promised.plans.load(Ordering::Relaxed),
        }
    }
}

fn read(
    (identity, jobs, plans): (Option<String>, Option<u64>, Option<u64>),
) -> Result<Standing, StoreError> {
    let identity = identity
        .map(|text| text.parse().map_err(|_| unexpected("no identity")))
        .transpose()?;
    Ok(Standing {
        identity,
        sequences: Sequences {
            jobs: jobs.unwrap_or_default(),
            plans: plans.unwrap_or_default(),
        },
    })
}
