//! What a commit does to the indexes, carried out by `commit.lua` or by the in-memory store, step by step alike.

mod planning;

use serde::Serialize;

use super::placement::Entry;

pub use self::planning::Planner;
pub(super) use self::planning::granted_lane;

/// A commit, ready to be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Wall time in milliseconds.
    pub now: i64,
    /// Sets that must not be full, before anything is done.
    pub guards: Vec<Guard>,
    /// A region that must not be drained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenGuard>,
    /// A claim that must not name another job yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimGuard>,
    /// Entries to take away.
    pub removes: Vec<Op>,
    /// Entries to put down.
    pub adds: Vec<Op>,
    /// Sorted sets in which the job stands by its version.
    pub changed: Vec<String>,
    /// The lane whose tenant pays for a grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge: Option<LaneKeys>,
    /// Lanes whose place may have changed.
    pub lanes: Vec<LaneKeys>,
    /// Lanes to wake when a shared limit has got room.
    pub wakes: Vec<Wake>,
}

/// One entry, with the operation's target spelt short: it travels with every commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Op {
    /// `s` a set, `z` a sorted set, `h` a hash.
    pub t: char,
    /// Key.
    pub k: String,
    /// Member or field.
    pub m: String,
    /// Score or value; empty for a set.
    pub v: String,
}

/// A set with the most members it may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guard {
    /// The set.
    pub key: String,
    /// Full at this size.
    pub limit: usize,
}

/// The region of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenGuard {
    /// The hash of drained regions.
    pub key: String,
    /// The region.
    pub region: String,
}

/// A claim that is answered by this commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClaimGuard {
    /// The hash of claims.
    pub key: String,
    /// The claim.
    pub claim: String,
}

/// Everything about one lane of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaneKeys {
    /// Its name.
    pub name: String,
    /// The tenant in it.
    pub tenant: String,
    /// Its units.
    pub eligible: String,
    /// The seats of its source.
    pub tenants: String,
    /// The region's lanes.
    pub lanes: String,
    /// The region's virtual times.
    pub virtual_times: String,
    /// The region's tickets.
    pub tickets: String,
    /// The region's ticket distances.
    pub steps: String,
    /// The tenant's running copies; none for errands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
    /// How many of those there may be.
    pub limit: usize,
    /// A unit was made eligible in it: a message no later than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_at: Option<i64>,
}

/// A shared limit, and whom to wake when it has got room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wake {
    /// The running set.
    pub running: String,
    /// Its limit.
    pub limit: usize,
    /// The source of the seats.
    pub source: String,
    /// The seats: the first of them is woken.
    pub tenants: String,
    /// The region's tickets.
    pub tickets: String,
    /// The region's ticket distances.
    pub steps: String,
}

// === impl Change ===

impl Change {
    /// One that moves entries and touches no lane: what a plan's commit does.
    #[must_use]
    pub fn of_entries(removes: Vec<Op>, adds: Vec<Op>) -> Self {
        Self {
            now: 0,
            guards: Vec::new(),
            open: None,
            claim: None,
            removes,
            adds,
            changed: Vec::new(),
            charge: None,
            lanes: Vec::new(),
            wakes: Vec::new(),
        }
    }
}

impl From<&Entry> for Op {
    fn from(entry: &Entry) -> Self {
        match entry.clone() {
            Entry::Member { key, member } => Self {
                t: 's',
                k: key,
                m: member,
                v: String::new(),
            },
            Entry::Scored { key, member, score } => Self {
                t: 'z',
                k: key,
                m: member,
                v: score.to_string(),
            },
            Entry::Field { key, field, value } => Self {
                t: 'h',
                k: key,
                m: field,
                v: value,
            },
        }
    }
}
