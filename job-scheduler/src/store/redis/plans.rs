//! Plans in Redis: their scripts and the commands that read them.

use async_trait::async_trait;
use domain::{ImageId, PlanId};
use jiff::Timestamp;
use redis::Script;

use super::RedisStore;
use super::scripts::{json, not_after, number, plan_change, unexpected, with_apply};
use crate::plan_record::{FORMAT, PlanRecord};
use crate::store::keys::Keys;
use crate::store::plans::placement::{self, PlanChange};
use crate::store::plans::{CreatedPlan, Holder, PlanQuery, PlanStore, PlanTerms, StoredPlan};
use crate::store::{Scope, StoreError};

/// The two fields of a stored plan.
type Fields = (Option<u64>, Option<String>);

/// The scripts of plans.
pub(super) struct PlanScripts {
    create: Script,
    commit: Script,
    postpone: Script,
    page: Script,
}

// === impl PlanScripts ===

impl PlanScripts {
    pub(super) fn new() -> Self {
        Self {
            create: with_apply(include_str!("../scripts/create_plan.lua")),
            commit: with_apply(include_str!("../scripts/commit_plan.lua")),
            postpone: Script::new(include_str!("../scripts/postpone_plan.lua")),
            page: Script::new(include_str!("../scripts/page.lua")),
        }
    }
}

// === impl RedisStore ===

impl RedisStore {
    /// Replaces the plan that was read; without a new record, removes it.
    async fn write_plan(
        &self,
        before: &StoredPlan,
        after: Option<&PlanRecord>,
        change: &PlanChange,
    ) -> Result<u64, StoreError> {
        let id = before.record.id;
        let mut call = self.plans.commit.prepare_invoke();
        call.key(self.keys.plan(id))
            .key(self.keys.plan_sequence())
            .arg(before.version)
            .arg(after.map(json).transpose()?.unwrap_or_default())
            .arg(json(change)?)
            .arg(id.to_string())
            .arg(plan_change(before.record.changed_at)?);
        // What is decided here is acted upon elsewhere: units of work, removals, an answer to the owner.
        let writer = self.durable().await?;
        let (answer, detail): (String, String) = writer.script(&call).await?;
        match answer.as_str() {
            "done" => number(&detail).inspect(|version| self.promised.plan(*version)),
            "conflict" => Err(StoreError::Conflict),
            "held" => Err(detail
                .parse()
                .map_or_else(|_| unexpected(&detail), StoreError::Held)),
            _ => Err(unexpected(&answer)),
        }
    }
}

#[async_trait]
impl PlanStore for RedisStore {
    async fn load_plan(&self, id: PlanId) -> Result<Option<StoredPlan>, StoreError> {
        let fields = self
            .connection
            .command(&read_command(&self.keys, id))
            .await?;
        read(id, fields)
    }

    async fn load_plans(&self, ids: &[PlanId]) -> Result<Vec<StoredPlan>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = redis::pipe();
        for id in ids {
            pipeline.add_command(read_command(&self.keys, *id));
        }
        let rows: Vec<Fields> = self.connection.pipeline(&pipeline).await?;
        let plans = ids.iter().zip(rows);
        Ok(plans
            .filter_map(|(id, fields)| {
                read(*id, fields).unwrap_or_else(|error| {
                    tracing::error!(error = %error, "left a plan out");
                    None
                })
            })
            .collect())
    }

    async fn create_plan(
        &self,
        record: &PlanRecord,
        terms: &PlanTerms,
        _now: Timestamp,
    ) -> Result<CreatedPlan, StoreError> {
        let change = placement::change(None, Some(record), &self.keys);
        let mut call = self.plans.create.prepare_invoke();
        call.key(self.keys.plan(record.id))
            .key(self.keys.plan_sequence())
            .key(self.keys.plans(&Scope::Owner(record.owner())))
            .arg(json(record)?)
            .arg(json(&change)?)
            .arg(terms.plans_per_tenant)
            .arg(not_after(terms.not_after));
        let writer = self.durable().await?;
        let (answer, detail): (String, String) = writer.script(&call).await?;
        match answer.as_str() {
            "new" => {
                let version = number(&detail)?;
                self.promised.plan(version);
                Ok(CreatedPlan::New { version })
            }
            "exists" => Ok(CreatedPlan::Exists),
            "limit" => Err(StoreError::LimitReached),
            "late" => Err(StoreError::TooLate),
            _ => Err(unexpected(&answer)),
        }
    }

    async fn commit_plan(
        &self,
        before: &StoredPlan,
        after: &PlanRecord,
    ) -> Result<StoredPlan, StoreError> {
        let change = placement::change(Some(&before.record), Some(after), &self.keys);
        let version = self.write_plan(before, Some(after), &change).await?;
        Ok(StoredPlan {
            record: after.clone(),
            version,
        })
    }

    async fn remove_plan(&self, stored: &StoredPlan) -> Result<(), StoreError> {
        let change = placement::change(Some(&stored.record), None, &self.keys);
        self.write_plan(stored, None, &change).await.map(drop)
    }

    async fn plans_due(&self, now: Timestamp, limit: usize) -> Result<Vec<PlanId>, StoreError> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command
            .arg(self.keys.plan_due())
            .arg("-inf")
            .arg(now.as_millisecond())
            .arg("LIMIT")
            .arg(0)
            .arg(limit);
        self.connection.command(&command).await.map(parse_ids)
    }

    async fn postpone_plan(&self, id: PlanId, until: Timestamp) -> Result<(), StoreError> {
        let mut call = self.plans.postpone.prepare_invoke();
        call.key(self.keys.plan(id))
            .key(self.keys.plan_due())
            .arg(id.to_string())
            .arg(until.as_millisecond());
        self.connection.script(&call).await
    }

    async fn plan_page(&self, query: &PlanQuery) -> Result<Vec<PlanId>, StoreError> {
        let (score, plan) = query.after.map_or_else(Default::default, |(at, id)| {
            (at.as_millisecond().to_string(), id.to_string())
        });
        let mut call = self.plans.page.prepare_invoke();
        call.key(self.keys.plans(&query.scope))
            .arg("newest")
            .arg(query.limit)
            .arg(score)
            .arg(plan);
        self.connection.script(&call).await.map(parse_ids)
    }

    async fn holders(&self, image: ImageId) -> Result<Vec<Holder>, StoreError> {
        let mut command = redis::cmd("SMEMBERS");
        command.arg(self.keys.holders(image));
        let members: Vec<String> = self.connection.command(&command).await?;
        Ok(Holder::all_of(members.iter().map(String::as_str)))
    }

    async fn count_plans(&self) -> Result<usize, StoreError> {
        let mut command = redis::cmd("ZCARD");
        command.arg(self.keys.plans(&Scope::All));
        self.connection.command(&command).await
    }
}

/// The plan; none when it does not exist.
fn read(id: PlanId, fields: Fields) -> Result<Option<StoredPlan>, StoreError> {
    let (Some(version), Some(text)) = fields else {
        return Ok(None);
    };
    let unreadable = |reason: String| StoreError::UnreadablePlan {
        plan: id.to_string(),
        reason,
    };
    let record: PlanRecord =
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    if record.format != FORMAT {
        return Err(unreadable(format!("its format is {}", record.format)));
    }
    Ok(Some(StoredPlan { record, version }))
}

/// Plans of an index, whose members are written by this service alone; anything else is no plan.
fn parse_ids(ids: Vec<String>) -> Vec<PlanId> {
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}

fn read_command(keys: &Keys, id: PlanId) -> redis::Cmd {
    let mut command = redis::cmd("HMGET");
    command.arg(keys.plan(id)).arg("v").arg("r");
    command
}
