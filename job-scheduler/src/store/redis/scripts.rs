//! The Lua scripts, one typed wrapper each. A script that changes indexes begins, behind its first
//! line (which carries its flags), with the functions of `apply.lua`.

use std::time::Duration;

use domain::{JobId, RegionId};
use jiff::Timestamp;
use redis::{Script, ScriptInvocation};

use super::connection::Connection;
use super::view;
use super::writer::Writer;
use crate::fairness::RegionView;
use crate::job_record::JobRecord;
use crate::store::change::{Change, LaneKeys};
use crate::store::keys::{Keys, escape};
use crate::store::lane::ERRANDS;
use crate::store::shape::{LANES_AT_ONCE, Shape, TENANTS_SHOWN, UNITS_SHOWN};
use crate::store::{Created, IntakeTerms, PageQuery, Place, StoreError, Stored, TicketPace};

/// All scripts, with the names that they need.
pub(super) struct Scripts {
    keys: Keys,
    create: Script,
    commit: Script,
    reseat: Script,
    forget_paid: Script,
    region_view: Script,
    take_tickets: Script,
    page: Script,
    mark_serving: Script,
    barrier: Script,
    set_aside: Script,
    put_back: Script,
}

impl Scripts {
    pub(super) fn new(keys: Keys) -> Self {
        Self {
            keys,
            create: with_apply(include_str!("../scripts/create.lua")),
            commit: with_apply(include_str!("../scripts/commit.lua")),
            reseat: with_apply(include_str!("../scripts/reseat.lua")),
            forget_paid: Script::new(include_str!("../scripts/forget_paid.lua")),
            region_view: Script::new(include_str!("../scripts/region_view.lua")),
            take_tickets: Script::new(include_str!("../scripts/take_tickets.lua")),
            page: Script::new(include_str!("../scripts/page.lua")),
            mark_serving: Script::new(include_str!("../scripts/mark_serving.lua")),
            barrier: Script::new(include_str!("../scripts/barrier.lua")),
            set_aside: with_apply(include_str!("../scripts/set_aside.lua")),
            put_back: with_apply(include_str!("../scripts/put_back.lua")),
        }
    }

    pub(super) async fn create(
        &self,
        writer: Writer<'_>,
        record: &JobRecord,
        change: &Change,
        terms: &IntakeTerms,
    ) -> Result<Created, StoreError> {
        let owner = record.owner();
        let open = owner.as_ref().map(|owner| self.keys.open(owner));
        let key = owner.as_ref().zip(record.idempotency.as_ref());
        let key = key.map(|(owner, it)| self.keys.idempotency(owner, &it.key));
        // Nobody's job counts against nobody's limit.
        let limit = open.as_ref().and(terms.queued_per_tenant);
        let plan = terms.wished_by.map(|wish| self.keys.plan(wish.plan));
        let version = terms.wished_by.map(|wish| wish.version.to_string());
        let plan_change = terms.wished_by.map(|wish| plan_change(wish.changed_at));
        let mut call = self.create.prepare_invoke();
        call.key(self.keys.job(record.id))
            .key(self.keys.sequence())
            .key(open.unwrap_or_default())
            .key(key.unwrap_or_default())
            .key(plan.unwrap_or_default())
            .arg(json(record)?)
            .arg(json(change)?)
            .arg(record.id.to_string())
            .arg(limit.map_or_else(String::new, |limit| limit.to_string()))
            .arg(self.keys.channel())
            .arg(notice(record))
            .arg(change.now)
            .arg(millis(terms.idempotency_window))
            .arg(version.unwrap_or_default())
            .arg(not_after(terms.not_after))
            .arg(plan_change.transpose()?.unwrap_or_default());
        let (answer, detail): (String, String) = writer.script(&call).await?;
        match answer.as_str() {
            "new" => Ok(Created::New {
                version: number(&detail)?,
            }),
            "exists" => Ok(Created::Exists),
            "key" => detail
                .parse()
                .map(Created::KeyTaken)
                .map_err(|_| unexpected(&detail)),
            "limit" => Err(StoreError::LimitReached),
            "late" => Err(StoreError::TooLate),
            "conflict" => Err(StoreError::Conflict),
            _ => Err(unexpected(&answer)),
        }
    }

    /// Replaces the record that was read; without a new one, removes it.
    pub(super) async fn commit(
        &self,
        writer: Writer<'_>,
        before: &Stored,
        after: Option<&JobRecord>,
        change: &Change,
    ) -> Result<u64, StoreError> {
        let record = &before.record;
        let mut call = self.commit.prepare_invoke();
        call.key(self.keys.job(record.id))
            .key(self.keys.sequence())
            .arg(before.version)
            .arg(after.map(json).transpose()?.unwrap_or_default())
            .arg(json(change)?)
            .arg(record.id.to_string())
            .arg(self.keys.channel())
            .arg(notice(record))
            .arg(job_change(record)?);
        let (answer, detail): (String, String) = writer.script(&call).await?;
        match answer.as_str() {
            "done" => number(&detail),
            "conflict" => Err(StoreError::Conflict),
            "limit" => Err(StoreError::LimitReached),
            "claim" => Err(StoreError::ClaimTaken),
            "drained" => Err(StoreError::Drained),
            _ => Err(unexpected(&answer)),
        }
    }

    /// Writes something only to see it reach a replica, and all that was written before with it:
    /// replication keeps the order.
    pub(super) async fn barrier(
        &self,
        writer: Writer<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut call = self.barrier.prepare_invoke();
        call.key(self.keys.barrier()).arg(now.as_millisecond());
        writer.script::<()>(&call).await
    }

    /// Takes an id out of a place and keeps it among those that are set aside.
    pub(super) async fn set_aside(
        &self,
        connection: &Connection,
        id: JobId,
        place: &Place,
        lane: Option<&LaneKeys>,
        now: Timestamp,
        again: Timestamp,
    ) -> Result<(), StoreError> {
        let mut call = self.set_aside.prepare_invoke();
        call.key(self.keys.place(place))
            .key(self.keys.aside())
            .arg(id.to_string())
            .arg(again.as_millisecond())
            .arg(lane.map(json).transpose()?.unwrap_or_default())
            .arg(now.as_millisecond());
        connection.script(&call).await
    }

    /// Puts back what was set aside; without a record, forgets it.
    pub(super) async fn put_back(
        &self,
        connection: &Connection,
        id: JobId,
        found: Option<(&Stored, &Change)>,
    ) -> Result<(), StoreError> {
        let mut call = self.put_back.prepare_invoke();
        call.key(self.keys.job(id)).key(self.keys.aside());
        match found {
            Some((stored, change)) => call.arg(stored.version).arg(json(change)?),
            None => call.arg("").arg(""),
        };
        let last_change = found.map(|(stored, _)| job_change(&stored.record));
        call.arg(id.to_string())
            .arg(last_change.transpose()?.unwrap_or_default());
        connection.script(&call).await
    }

    pub(super) async fn reseat(
        &self,
        connection: &Connection,
        lanes: &[LaneKeys],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut call = self.reseat.prepare_invoke();
        call.arg(json(lanes)?).arg(now.as_millisecond());
        connection.script::<u64>(&call).await.map(drop)
    }

    /// Forgets virtual times that say no more than the region's clock, from a cursor; returns the
    /// next one, 0 at the end.
    pub(super) async fn forget_paid(
        &self,
        connection: &Connection,
        region: &RegionId,
        cursor: u64,
    ) -> Result<u64, StoreError> {
        let mut call = self.forget_paid.prepare_invoke();
        call.key(self.keys.virtual_times(region)).arg(cursor);
        connection.script(&call).await
    }

    pub(super) async fn region_view(
        &self,
        connection: &Connection,
        shape: &Shape,
        region: &RegionId,
    ) -> Result<RegionView, StoreError> {
        let mut call = self.region_view.prepare_invoke();
        call.arg(self.keys.prefix())
            .arg(escape(region.as_str()))
            .arg(TENANTS_SHOWN)
            .arg(UNITS_SHOWN);
        for source in &shape.regions {
            call.arg(escape(source.as_str()));
        }
        call.arg(ERRANDS);
        let rows: Vec<String> = connection.script(&call).await?;
        view::read(&rows).ok_or_else(|| unexpected("a region's view"))
    }

    pub(super) async fn take_tickets(
        &self,
        connection: &Connection,
        shape: &Shape,
        region: &RegionId,
        now: Timestamp,
        pace: &TicketPace,
    ) -> Result<Vec<JobId>, StoreError> {
        let mut call = self.take_tickets.prepare_invoke();
        call.key(self.keys.tickets(region))
            .key(self.keys.ticket_steps(region))
            .key(self.keys.running_destination(region))
            .arg(self.keys.prefix())
            .arg(escape(region.as_str()))
            .arg(now.as_millisecond())
            .arg(millis(pace.first))
            .arg(millis(pace.longest))
            .arg(pace.stretch)
            .arg(pace.most)
            .arg(shape.limits.copies_per_destination)
            .arg(shape.limits.copies_per_source)
            .arg(shape.limits.copies_per_tenant)
            .arg(LANES_AT_ONCE)
            .arg(millis(pace.announced));
        ids(connection, &call).await
    }

    pub(super) async fn page(
        &self,
        connection: &Connection,
        query: &PageQuery,
    ) -> Result<Vec<JobId>, StoreError> {
        let mut call = self.page.prepare_invoke();
        if query.statuses.is_empty() {
            call.key(self.keys.list(&query.scope, None));
        }
        for status in &query.statuses {
            call.key(self.keys.list(&query.scope, Some(*status)));
        }
        let (score, job) = query.after.map_or_else(Default::default, |(at, id)| {
            (at.as_millisecond().to_string(), id.to_string())
        });
        call.arg(if query.oldest_first {
            "oldest"
        } else {
            "newest"
        })
        .arg(query.limit)
        .arg(score)
        .arg(job);
        ids(connection, &call).await
    }

    pub(super) async fn mark_serving(
        &self,
        connection: &Connection,
        now: Timestamp,
        gap: Duration,
    ) -> Result<Timestamp, StoreError> {
        let mut call = self.mark_serving.prepare_invoke();
        call.key(self.keys.serving())
            .arg(now.as_millisecond())
            .arg(millis(gap));
        let since: String = connection.script(&call).await?;
        let since = since.parse().map_err(|_| unexpected(&since))?;
        Timestamp::from_millisecond(since).map_err(|error| unexpected(&error.to_string()))
    }
}

/// A script whose first line is followed by the shared functions.
pub(super) fn with_apply(text: &str) -> Script {
    let (flags, body) = text.split_once('\n').unwrap_or((text, ""));
    let shared = include_str!("../scripts/apply.lua");
    Script::new(&format!("{flags}\n{shared}\n{body}"))
}

/// What a commit tells subscribers, but for the version, which only the script knows; empty for what nobody
/// is told of.
fn notice(record: &JobRecord) -> String {
    record.owner().map_or_else(String::new, |owner| {
        let region = escape(owner.region.as_str());
        format!("{} {region} {}", record.id, escape(owner.tenant.as_str()))
    })
}

/// The last change of a job, as the text of its record has it.
fn job_change(record: &JobRecord) -> Result<String, StoreError> {
    Ok(format!("\"updated_at\":{}", json(&record.updated_at)?))
}

/// The last change of a plan, as the text of its record has it; empty for what does not say it, so that the version alone
/// counts.
pub(super) fn plan_change(changed_at: Option<Timestamp>) -> Result<String, StoreError> {
    changed_at.map_or_else(
        || Ok(String::new()),
        |at| Ok(format!("\"changed_at\":{}", json(&at)?)),
    )
}

/// The time after which a script accepts nothing, as it reads it.
pub(super) fn not_after(until: Option<Timestamp>) -> String {
    until.map_or_else(String::new, |until| until.as_millisecond().to_string())
}

async fn ids(
    connection: &Connection,
    call: &ScriptInvocation<'_>,
) -> Result<Vec<JobId>, StoreError> {
    let ids: Vec<String> = connection.script(call).await?;
    ids.iter()
        .map(|id| id.parse().map_err(|_| unexpected(id)))
        .collect()
}

pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| unexpected(&error.to_string()))
}

pub(super) fn number(text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_| unexpected(text))
}

pub(super) fn unexpected(what: &str) -> StoreError {
    StoreError::Unavailable(format!("an unexpected answer: {what}"))
}

fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}
