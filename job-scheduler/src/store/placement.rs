//! Which index entries a record has: a pure function, and the only source of entries.
//!
//! A commit takes away what the old record had and puts down what the new one has, so an entry can
//! neither be forgotten nor stay behind.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::UnitKind;
use jiff::Timestamp;

use super::keys::Keys;
use super::lane::Lane;
use super::plans::Holder;
use super::{Due, Scope};
use crate::job_record::JobRecord;

/// How long after its acceptance a copy gets its first message from the scheduler, unless it was granted by
/// then. The gateway publishes one itself with each job; this is for when it could not.
pub const ANNOUNCED: Duration = Duration::from_secs(2);

/// One entry of an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// A member of a set.
    Member {
        /// The set.
        key: String,
        /// The member.
        member: String,
    },
    /// A member of a sorted set.
    Scored {
        /// The sorted set.
        key: String,
        /// The member.
        member: String,
        /// Its score.
        score: i64,
    },
    /// A field of a hash.
    Field {
        /// The hash.
        key: String,
        /// The field.
        field: String,
        /// Its value.
        value: String,
    },
}

/// The lane in which a record's unit can be granted now; none when it is held, waits or needs
/// nothing.
#[must_use]
pub fn eligible_lane(record: &JobRecord) -> Option<Lane> {
    if record.held_lease().is_some() || record.waiting_until.is_some() {
        return None;
    }
    record.unit().map(|kind| Lane::of(record, kind))
}

/// The lane whose slot a record holds: that of a copy under a lease.
#[must_use]
pub fn running_lane(record: &JobRecord) -> Option<Lane> {
    let lease = record.held_lease()?;
    (lease.kind == UnitKind::Copy).then(|| Lane::of(record, UnitKind::Copy))
}

/// Every entry of a record.
#[must_use]
pub fn entries(record: &JobRecord, keys: &Keys) -> BTreeSet<Entry> {
    let mut placed = Entries {
        member: record.id.to_string(),
        entries: BTreeSet::new(),
    };
    lists(record, keys, &mut placed);
    times(record, keys, &mut placed);
    work(record, keys, &mut placed);
    usage(record, keys, &mut placed);
    if let Some(image) = record.reused {
        placed.entries.insert(Entry::Member {
            key: keys.holders(image),
            member: Holder::Job(record.id).member(),
        });
    }
    placed.entries
}

fn lists(record: &JobRecord, keys: &Keys, placed: &mut Entries) {
    let created = record.created_at.as_millisecond();
    let scopes = match record.owner() {
        Some(owner) => {
            if !record.status.is_final() {
                placed.member(keys.open(&owner));
                let pair = keys.pair(record.source_region(), record.region(), record.status);
                placed.scored(pair, created);
            }
            vec![Scope::Owner(owner), Scope::All]
        }
        None => vec![Scope::Errands],
    };
    for scope in scopes {
        placed.scored(keys.list(&scope, None), created);
        placed.scored(keys.list(&scope, Some(record.status)), created);
    }
}

fn times(record: &JobRecord, keys: &Keys, placed: &mut Entries) {
    let mut due = |what, at: Option<Timestamp>| {
        if let Some(at) = at {
            placed.scored(keys.due(what), at.as_millisecond());
        }
    };
    // A backoff outlives its unit when the last leftover was settled by a report.
    let waiting = record.waiting_until.filter(|_| record.unit().is_some());
    due(Due::Waiting, waiting);
    due(
        Due::Lease,
        record.held_lease().map(|lease| lease.expires_at),
    );
    due(Due::Deadline, record.deadline.map(|deadline| deadline.at));
    due(
        Due::Finished,
        record.finished_at.filter(|_| record.is_over()),
    );
    let news = record.untold_plan().and(record.finished_at);
    due(Due::PlanNews, news);
}

fn work(record: &JobRecord, keys: &Keys, placed: &mut Entries) {
    let region = record.region();
    if let Some(lane) = eligible_lane(record) {
        placed.scored(
            keys.eligible(region, &lane),
            in_line_since(record).as_millisecond(),
        );
    }
    if let Some(lane) = running_lane(record) {
        placed.member(keys.running_tenant(region, &lane.tenant));
        placed.member(keys.running_source(&lane.source));
        placed.member(keys.running_destination(region));
        placed.member(keys.running_pair(&lane.source, region));
    }
    if let Some(lease) = &record.lease {
        placed.entries.insert(Entry::Field {
            key: keys.claims(),
            field: lease.claim.to_string(),
            value: record.id.to_string(),
        });
    }
    if !record.leftovers.is_empty() && running_lane(record).is_none() {
        placed.member(keys.leftovers(region));
    }
}

/// Since when a unit stands in its lane. No gateway announces a plan's copy, nor one that an operator has made again,
/// so it counts as one whose announcement is over: its message comes at once.
fn in_line_since(record: &JobRecord) -> Timestamp {
    let is_unannounced = record
        .copy()
        .is_some_and(|spec| spec.plan_id.is_some() || spec.retry_of.is_some());
    let ahead = if is_unannounced {
        ANNOUNCED
    } else {
        Duration::ZERO
    };
    record
        .created_at
        .checked_sub(ahead)
        .unwrap_or(Timestamp::MIN)
}

fn usage(record: &JobRecord, keys: &Keys, placed: &mut Entries) {
    if !record.is_over() {
        placed.member(keys.using(record.source_region()));
        placed.member(keys.using(record.region()));
    }
}

struct Entries {
    member: String,
    entries: BTreeSet<Entry>,
}

impl Entries {
    fn member(&mut self, key: String) {
        let member = self.member.clone();
        self.entries.insert(Entry::Member { key, member });
    }

    fn scored(&mut self, key: String, score: i64) {
        let member = self.member.clone();
        self.entries.insert(Entry::Scored { key, member, score });
    }
}

#[cfg(test)]
mod tests;
