//! Load, decide, commit; and again when somebody was faster. The one way to change a job.
//!
//! A decision is a pure function of the record and the time, so it can be made anew on the record
//! that won the race. Called by the services, the claims and the reconciler.

use std::sync::Arc;

use domain::JobId;
use jiff::Timestamp;
use rand::RngExt;
use service_kit::Clock;
use tokio::sync::Notify;

use crate::job_record::JobRecord;
use crate::lifecycle::{Jitter, Rules};
use crate::metrics::Metrics;
use crate::pair_count::PairCount;
use crate::settings::Settings;
use crate::store::placement::eligible_lane;
use crate::store::{Store, StoreError, Stored};

/// How often a decision is made anew before the caller is asked to come back. Each lost race means
/// that somebody else made progress, so this is never reached but by a fault.
const RACES: usize = 50;

/// Jobs in the store, with everything that a decision about them needs.
#[derive(Clone)]
pub struct Jobs {
    /// Where they are.
    pub store: Arc<dyn Store>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Rules and limits.
    pub settings: Arc<Settings>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Told when a unit has become eligible here, so that its message need not wait for a tick. Who
    /// is busy just then finds it at the next tick.
    pub nudge: Arc<Notify>,
    /// Told when a plan has something to do or to hear. Kept for whoever is busy just then.
    pub plan_nudge: Arc<Notify>,
    /// How many copies run between which regions.
    pub pair_count: PairCount,
}

/// What was decided about a record.
pub struct Decision<T> {
    /// The record to be written; none when it may stay as it is.
    pub record: Option<JobRecord>,
    /// What the caller is told.
    pub answer: T,
}

/// What came of a decision.
pub struct Decided<T> {
    /// The job as it stands.
    pub stored: Stored,
    /// What the caller is told.
    pub answer: T,
}

// === impl Jobs ===

impl Jobs {
    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.settings.rules
    }

    /// The time, to the millisecond that the indexes know.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// A fresh jitter.
    #[must_use]
    pub fn jitter() -> Jitter {
        Jitter(rand::rng().random_range(0.0..1.0))
    }

    /// Changes a job by a decision. None when there is no such job.
    ///
    /// # Errors
    /// The decision's own, and the store's.
    pub async fn decide<T, E>(
        &self,
        id: JobId,
        decision: impl Fn(&JobRecord, Timestamp) -> Result<Decision<T>, E> + Send + Sync,
    ) -> Result<Option<Decided<T>>, E>
    where
        E: From<StoreError> + Send,
        T: Send,
    {
        for _ in 0..RACES {
            let Some(stored) = self.store.load(id).await? else {
                return Ok(None);
            };
            let now = self.now();
            let Decision { record, answer } = decision(&stored.record, now)?;
            let Some(record) = record else {
                return Ok(Some(Decided { stored, answer }));
            };
            match self.commit(&stored, &record, now).await {
                Ok(stored) => return Ok(Some(Decided { stored, answer })),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Commits a decision that was made on `before`.
    ///
    /// # Errors
    /// The store's.
    pub async fn commit(
        &self,
        before: &Stored,
        after: &JobRecord,
        now: Timestamp,
    ) -> Result<Stored, StoreError> {
        let stored = self.store.commit(before, after, now).await?;
        self.metrics.changed(&before.record, after, now);
        if eligible_lane(after).is_some() {
            self.nudge.notify_waiters();
        }
        if after.untold_plan().is_some() {
            self.plan_nudge.notify_one();
        }
        Ok(stored)
    }
}
