//! Plans in memory, as the scripts of plans do it.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::{ImageId, PlanId};
use jiff::Timestamp;

use super::{MemoryStore, State, apply, read};
use crate::plan_record::PlanRecord;
use crate::store::plans::placement::{self, PlanChange};
use crate::store::plans::{CreatedPlan, Holder, PlanQuery, PlanStore, PlanTerms, StoredPlan};
use crate::store::{PlanVersion, Scope, StoreError};

/// The plans and the counter behind their versions.
#[derive(Debug, Clone, Default)]
pub(super) struct Plans {
    records: HashMap<PlanId, StoredPlan>,
    sequence: u64,
}

// === impl Plans ===

impl Plans {
    pub(super) fn all(&self) -> impl Iterator<Item = &StoredPlan> {
        self.records.values()
    }

    /// Whether a plan still is what was read.
    pub(super) fn stands(&self, read: PlanVersion) -> bool {
        let stored = self.records.get(&read.plan);
        stored.is_some_and(|stored| PlanVersion::of(stored) == read)
    }
}

// === impl State ===

impl State {
    /// As `commit_plan.lua`; without a new record, removes the plan.
    fn write_plan(
        &mut self,
        before: &StoredPlan,
        after: Option<&PlanRecord>,
        change: &PlanChange,
    ) -> Result<u64, StoreError> {
        let id = before.record.id;
        if !self.plans.stands(PlanVersion::of(before)) {
            return Err(StoreError::Conflict);
        }
        let holders = |key: &str| self.tables.members(key);
        let mut guards = change.alone.iter();
        let held = guards.find(|guard| holders(&guard.key).iter().any(|it| *it != id.to_string()));
        if let Some(image) = held.and_then(|guard| guard.image.parse().ok()) {
            return Err(StoreError::Held(image));
        }
        self.plans.sequence += 1;
        let version = self.plans.sequence;
        match after {
            Some(record) => {
                let record = record.clone();
                let stored = StoredPlan { record, version };
                self.plans.records.insert(id, stored);
            }
            None => drop(self.plans.records.remove(&id)),
        }
        apply::apply(&mut self.tables, &change.change);
        Ok(version)
    }
}

#[async_trait]
impl PlanStore for MemoryStore {
    async fn load_plan(&self, id: PlanId) -> Result<Option<StoredPlan>, StoreError> {
        Ok(self.state().plans.records.get(&id).cloned())
    }

    async fn load_plans(&self, ids: &[PlanId]) -> Result<Vec<StoredPlan>, StoreError> {
        let state = self.state();
        let plans = ids.iter().filter_map(|id| state.plans.records.get(id));
        Ok(plans.cloned().collect())
    }

    async fn create_plan(
        &self,
        record: &PlanRecord,
        terms: &PlanTerms,
        now: Timestamp,
    ) -> Result<CreatedPlan, StoreError> {
        let mut state = self.state();
        if state.plans.records.contains_key(&record.id) {
            return Ok(CreatedPlan::Exists);
        }
        if terms.not_after.is_some_and(|until| until < now) {
            return Err(StoreError::TooLate);
        }
        let theirs = self.keys.plans(&Scope::Owner(record.owner()));
        if state.tables.count(&theirs) >= terms.plans_per_tenant {
            return Err(StoreError::LimitReached);
        }
        state.plans.sequence += 1;
        let version = state.plans.sequence;
        let stored = StoredPlan {
            record: record.clone(),
            version,
        };
        state.plans.records.insert(record.id, stored);
        let change = placement::change(None, Some(record), &self.keys);
        apply::apply(&mut state.tables, &change.change);
        Ok(CreatedPlan::New { version })
    }

    async fn commit_plan(
        &self,
        before: &StoredPlan,
        after: &PlanRecord,
    ) -> Result<StoredPlan, StoreError> {
        let change = placement::change(Some(&before.record), Some(after), &self.keys);
        let version = self.state().write_plan(before, Some(after), &change)?;
        Ok(StoredPlan {
            record: after.clone(),
            version,
        })
    }

    async fn remove_plan(&self, stored: &StoredPlan) -> Result<(), StoreError> {
        let change = placement::change(Some(&stored.record), None, &self.keys);
        self.state().write_plan(stored, None, &change).map(drop)
    }

    async fn plans_due(&self, now: Timestamp, limit: usize) -> Result<Vec<PlanId>, StoreError> {
        let state = self.state();
        let due = self.keys.plan_due();
        Ok(read::up_to(&state.tables, &due, now, limit))
    }

    async fn postpone_plan(&self, id: PlanId, until: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        let (due, member) = (self.keys.plan_due(), id.to_string());
        if !state.plans.records.contains_key(&id) {
            state.tables.unscore(&due, &member);
        } else if state.tables.score_of(&due, &member).is_some() {
            state.tables.score(&due, &member, until.as_millisecond());
        }
        Ok(())
    }

    async fn plan_page(&self, query: &PlanQuery) -> Result<Vec<PlanId>, StoreError> {
        let state = self.state();
        let start = query.after;
        let start = start.map(|(at, id)| (at.as_millisecond(), id.to_string()));
        let ranked = state.tables.ranked(&self.keys.plans(&query.scope)).rev();
        let behind = ranked.filter(|entry| start.as_ref().is_none_or(|start| *entry < start));
        let ids = behind
            .take(query.limit)
            .filter_map(|(_, id)| id.parse().ok());
        Ok(ids.collect())
    }

    async fn holders(&self, image: ImageId) -> Result<Vec<Holder>, StoreError> {
        let members = self.state().tables.members(&self.keys.holders(image));
        Ok(Holder::all_of(members.iter().map(AsRef::as_ref)))
    }

    async fn count_plans(&self) -> Result<usize, StoreError> {
        Ok(self.state().tables.count(&self.keys.plans(&Scope::All)))
    }
}
