//! Whether an accepted job could be lost, by what Redis says of itself: its persistence, its eviction policy and its
//! replicas. What is found is judged here, by a pure function; what comes of it is the caller's business.
//!
//! The rule for replicas: whichever of them becomes the master must have what was accepted. A master that was
//! replaced without knowing it keeps those replicas that have not heard of the new one, so a write is safe only when
//! *all* replicas have acknowledged it: one of them is the new master, and it acknowledges no more.

mod facts;

use self::facts::Facts;
use super::RedisStore;
use crate::store::StoreError;

/// A replica that was silent for so long is behind, in seconds. Redis' own limit (`min-replicas-max-lag`) is the same.
const LONGEST_LAG: u64 = 10;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durability {
    /// Replicas that are connected and up to date but for the last moments.
    pub replicas: u64,
    /// Replicas that must have what is accepted.
    pub awaited: u64,
    /// Bytes of memory that it uses.
    pub memory: u64,
    /// Bytes of memory that it may use; 0 is all that there is.
    pub memory_limit: u64,
    /// What is not as it should be. Empty: all is well.
    pub concerns: Vec<Concern>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    /// What it is about.
    pub kind: ConcernKind,
    /// What is so, and what should be.
    pub text: String,
}

/// Kinds of concerns; a metric's label, so there are few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConcernKind {
    /// No append-only file.
    AppendOnlyFile,
    /// The append-only file is not synced with each write.
    Sync,
    /// It is not synced while it is being rewritten.
    SyncDuringRewrite,
    /// It cannot be written.
    AppendFailing,
    /// Keys are dropped when memory is full.
    Eviction,
    /// A setting that must be known cannot be read.
    Unreadable,
    /// Fewer replicas than are waited for.
    ReplicasMissing,
    /// More replicas than are waited for.
    ReplicasUnawaited,
    /// A master without replicas takes writes, though there should be replicas.
    WritesWithoutReplicas,
    /// A replica lags: its loss of touch is near.
    ReplicaLag,
    /// The append-only file cannot be rewritten: it grows until the disk is full.
    RewriteFailing,
    /// Snapshots fail, which new replicas need.
    SnapshotFailing,
}

// === impl ConcernKind ===

impl ConcernKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::AppendOnlyFile,
        Self::Sync,
        Self::SyncDuringRewrite,
        Self::AppendFailing,
        Self::Eviction,
        Self::Unreadable,
        Self::ReplicasMissing,
        Self::ReplicasUnawaited,
        Self::WritesWithoutReplicas,
        Self::ReplicaLag,
        Self::RewriteFailing,
        Self::SnapshotFailing,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AppendOnlyFile => "append_only_file",
            Self::Sync => "sync",
            Self::SyncDuringRewrite => "sync_during_rewrite",
            Self::AppendFailing => "append_failing",
            Self::Eviction => "eviction",
            Self::Unreadable => "unreadable",
            Self::ReplicasMissing => "replicas_missing",
            Self::ReplicasUnawaited => "replicas_unawaited",
            Self::WritesWithoutReplicas => "writes_without_replicas",
            Self::ReplicaLag => "replica_lag",
            Self::RewriteFailing => "rewrite_failing",
            Self::SnapshotFailing => "snapshot_failing",
        }
    }

    /// Whether an accepted job could be lost for it now; else it only leads there.
    #[must_use]
    pub const fn loses(self) -> bool {
        !matches!(
            self,
            Self::ReplicaLag | Self::RewriteFailing | Self::SnapshotFailing
        )
    }
}

// === impl Durability ===

impl Durability {
    /// Those for which an accepted job could be lost.
    pub fn losing(&self) -> impl Iterator<Item = &Concern> {
        self.concerns.iter().filter(|it| it.kind.loses())
    }
}

// === impl RedisStore ===

impl RedisStore {
    /// Looks whether an accepted job could be lost.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn check_durability(&self) -> Result<Durability, StoreError> {
        let facts = Facts::read(&self.connection).await?;
        let replicas = facts.replicas_online();
        self.awaited.saw(replicas);
        let awaited = self.awaited.replicas().unwrap_or(replicas);
        Ok(Durability {
            replicas,
            awaited,
            memory: facts.number("used_memory"),
            memory_limit: facts.number("maxmemory"),
            concerns: judge(&facts, awaited),
        })
    }
}

fn judge(facts: &Facts, awaited: u64) -> Vec<Concern> {
    let mut concerns = of_disk(facts);
    concerns.extend(of_replicas(facts, awaited));
    concerns
}

fn of_disk(facts: &Facts) -> Vec<Concern> {
    let mut concerns = Vec::new();
    let mut say = |kind, text: String| concerns.push(Concern { kind, text });
    if facts.info("aof_enabled") != Some("1") {
        say(
            ConcernKind::AppendOnlyFile,
            match facts.setting("save") {
                Some("") | None => "appendonly is no and should be yes: a crash loses everything",
                Some(_) => {
                    "appendonly is no and should be yes: a crash loses everything since the last snapshot"
                }
            }
            .to_owned(),
        );
    }
    for (name, wanted, kind) in [
        ("appendfsync", "always", ConcernKind::Sync),
        (
            "no-appendfsync-on-rewrite",
            "no",
            ConcernKind::SyncDuringRewrite,
        ),
        ("maxmemory-policy", "noeviction", ConcernKind::Eviction),
    ] {
        match facts.setting(name) {
            Some(is) if is == wanted => {}
            Some(is) => say(kind, format!("{name} is {is} and should be {wanted}")),
            None => say(
                ConcernKind::Unreadable,
                format!("{name} cannot be read and should be {wanted}"),
            ),
        }
    }
    for (status, kind, text) in [
        (
            "aof_last_write_status",
            ConcernKind::AppendFailing,
            "the append-only file cannot be written: is the disk full?",
        ),
        (
            "aof_last_bgrewrite_status",
            ConcernKind::RewriteFailing,
            "the append-only file could not be rewritten and grows: is the disk full?",
        ),
        (
            "rdb_last_bgsave_status",
            ConcernKind::SnapshotFailing,
            "the last snapshot failed, and a new replica needs one: is the disk full?",
        ),
    ] {
        if facts.info(status).is_some_and(|is| is != "ok") {
            say(kind, format!("{status} is not ok: {text}"));
        }
    }
    concerns
}

fn of_replicas(facts: &Facts, awaited: u64) -> Vec<Concern> {
    let mut concerns = Vec::new();
    let mut say = |kind, text: String| concerns.push(Concern { kind, text });
    let online = facts.replicas_online();
    if online < awaited {
        say(
            ConcernKind::ReplicasMissing,
            format!(
                "{online} of {awaited} replicas are connected: writes wait for all of them, and nothing is \
                 accepted until they are back (redis.wait_for_replicas says how many)"
            ),
        );
    }
    if online > awaited {
        say(
            ConcernKind::ReplicasUnawaited,
            format!(
                "{online} replicas are connected and writes wait for {awaited}: a failover to another one loses \
                 what it lacks; redis.wait_for_replicas should be {online}"
            ),
        );
    }
    if awaited > 0 {
        let name = "min-replicas-to-write";
        match facts.setting(name).map(str::parse::<u64>) {
            Some(Ok(1..)) => {}
            Some(_) => say(
                ConcernKind::WritesWithoutReplicas,
                format!(
                    "{name} is 0 and should be {awaited}: a master that was replaced goes on taking writes"
                ),
            ),
            None => say(
                ConcernKind::Unreadable,
                format!("{name} cannot be read and should be {awaited}"),
            ),
        }
    }
    for replica in facts.replicas().filter(|it| it.lag > LONGEST_LAG) {
        say(
            ConcernKind::ReplicaLag,
            format!(
                "the replica {} was last heard of {} s ago",
                replica.address, replica.lag
            ),
        );
    }
    concerns
}

#[cfg(test)]
mod tests;
