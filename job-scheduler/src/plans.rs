//! Load, decide, commit; and again when somebody was faster. The one way to change a plan.
//!
//! Called by the plan service and the keeper.

use std::sync::Arc;

use domain::PlanId;
use jiff::Timestamp;
use service_kit::Clock;

use crate::jobs::Jobs;
use crate::plan_lifecycle::PlanRules;
use crate::plan_record::PlanRecord;
use crate::store::StoreError;
use crate::store::plans::StoredPlan;

/// How often a decision is made anew before the caller is asked to come back.
const RACES: usize = 50;

/// Plans in the store, with everything that a decision about them needs.
#[derive(Clone)]
pub struct Plans {
    /// The jobs, and what they share with plans: the store, the metrics, the settings.
    pub jobs: Jobs,
    /// The time of plans; that of the jobs, but on test clouds.
    pub clock: Arc<dyn Clock>,
    /// The rules.
    pub rules: Arc<PlanRules>,
}

/// What was decided about a plan.
pub struct Decision<T> {
    /// The record to be written; when it is the old one, nothing is.
    pub record: PlanRecord,
    /// What the caller is told.
    pub answer: T,
}

// === impl Plans ===

impl Plans {
    /// The time, to the millisecond that the indexes know.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Changes a plan by a decision. None when there is no such plan.
    ///
    /// # Errors
    /// The decision's own, and the store's.
    pub async fn decide<T, E>(
        &self,
        id: PlanId,
        decision: impl Fn(&PlanRecord, Timestamp) -> Result<Decision<T>, E> + Send + Sync,
    ) -> Result<Option<(StoredPlan, T)>, E>
    where
        E: From<StoreError> + Send,
        T: Send,
    {
        for _ in 0..RACES {
            let Some(stored) = self.jobs.store.load_plan(id).await? else {
                return Ok(None);
            };
            let Decision { record, answer } = decision(&stored.record, self.now())?;
            if record == stored.record {
                return Ok(Some((stored, answer)));
            }
            match self.commit(&stored, &record).await {
                Ok(stored) => return Ok(Some((stored, answer))),
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
        before: &StoredPlan,
        after: &PlanRecord,
    ) -> Result<StoredPlan, StoreError> {
        let after = PlanRecord {
            changed_at: Some(self.now()),
            ..after.clone()
        };
        let stored = self.jobs.store.commit_plan(before, &after).await?;
        self.jobs.metrics.plans.changed(&before.record, &after);
        self.nudge(&after);
        Ok(stored)
    }

    /// Has the keeper look at a plan at once when there is something to do.
    pub(crate) fn nudge(&self, record: &PlanRecord) {
        if record.due_at().is_some_and(|due| due <= self.now()) {
            self.jobs.plan_nudge.notify_one();
        }
    }
}
