//! Whether Redis would keep an accepted job through a crash, and the wait for a replica.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use redis::{FromRedisValue, ScriptInvocation};

use super::RedisStore;
use super::connection::Connection;
use crate::store::StoreError;

/// How long a write waits for a replica's acknowledgement, in milliseconds.
const REPLICA_PATIENCE_MS: u64 = 1_000;

/// What is said when a Redis that had replicas has none.
const LOST: &str = "all replicas are gone; writes wait for one and are refused until it is back \
                    (start the schedulers anew to go on without)";

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durability {
    /// Replicas that are connected.
    pub replicas: u64,
    /// Settings under which an accepted job could be lost, each with what it should be. Empty: all
    /// is well.
    pub concerns: Vec<String>,
}

/// Asks Redis for its settings and replicas. Some managed services forbid `CONFIG`; what cannot be
/// read is a concern too. Where replicas were seen before, their loss is one.
async fn check(connection: &Connection, replicated: bool) -> Result<Durability, StoreError> {
    let info: String = connection
        .command(redis::cmd("INFO").arg("replication"))
        .await?;
    let replicas = info
        .lines()
        .find_map(|line| line.trim().strip_prefix("connected_slaves:")?.parse().ok())
        .unwrap_or(0);
    let mut command = redis::cmd("CONFIG");
    command
        .arg("GET")
        .arg("append*")
        .arg("maxmemory-policy")
        .arg("min-replicas-to-write");
    let settings: BTreeMap<String, String> = connection.command(&command).await.unwrap_or_default();
    Ok(Durability {
        replicas,
        concerns: concerns(&settings, replicas, replicated),
    })
}

fn concerns(settings: &BTreeMap<String, String>, replicas: u64, replicated: bool) -> Vec<String> {
    let mut wanted = vec![
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("maxmemory-policy", "noeviction"),
    ];
    if replicas > 0 || replicated {
        wanted.push(("min-replicas-to-write", "1"));
    }
    let lost = replicated && replicas == 0;
    let lost = lost.then(|| LOST.to_owned());
    let settings = wanted
        .into_iter()
        .filter_map(|(name, value)| match settings.get(name) {
            Some(is) if is == value => None,
            // More replicas than asked for are as good.
            Some(is) if name == "min-replicas-to-write" && is != "0" => None,
            Some(is) => Some(format!("{name} is {is} and should be {value}")),
            None => Some(format!("{name} cannot be read and should be {value}")),
        });
    lost.into_iter().chain(settings).collect()
}

/// The way in which a script that writes is run.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) connection: &'a Connection,
    /// Whether the write must have reached a replica.
    pub(super) waits: bool,
}

impl Writer<'_> {
    /// Runs a script; where it waits, the answer comes when a replica has what it wrote. `WAIT` asks
    /// for the writes of its own connection, so both go to Redis in one go.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        if !self.waits {
            return self.connection.script(invocation).await;
        }
        let mut wait = redis::cmd("WAIT");
        wait.arg(1).arg(REPLICA_PATIENCE_MS);
        let (answer, acknowledged): (T, u64) =
            self.connection.script_then(invocation, wait).await?;
        if acknowledged == 0 {
            let why = "no replica acknowledged the write in time";
            return Err(StoreError::Unavailable(why.to_owned()));
        }
        Ok(answer)
    }
}

impl RedisStore {
    /// Looks whether an accepted job could be lost. Once a replica has been seen, writes wait for one
    /// for as long as this store lives: its loss must not lower the promise without a word.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn check_durability(&self) -> Result<Durability, StoreError> {
        let replicated = self.replicated.load(Ordering::Relaxed);
        let found = check(&self.connection, replicated).await?;
        if found.replicas > 0 {
            self.replicated.store(true, Ordering::Relaxed);
        }
        Ok(found)
    }

    /// The writer of what must not be lost.
    pub(super) fn durable(&self) -> Writer<'_> {
        Writer {
            connection: &self.durable,
            waits: self.replicated.load(Ordering::Relaxed),
        }
    }

    /// The writer of what may be lost with a crash, for it is written again.
    pub(super) fn plain(&self) -> Writer<'_> {
        Writer {
            connection: &self.connection,
            waits: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    #[test]
    fn safe_settings_raise_no_concern_and_others_are_named() {
        let safe = [
            ("appendonly", "yes"),
            ("appendfsync", "always"),
            ("maxmemory-policy", "noeviction"),
        ];
        assert_eq!(concerns(&settings(&safe), 0, false), Vec::<String>::new());
        assert_eq!(concerns(&settings(&safe), 1, true).len(), 1);
        let usual = settings(&[("appendonly", "no"), ("appendfsync", "everysec")]);
        assert_eq!(
            concerns(&usual, 0, false),
            [
                "appendonly is no and should be yes",
                "appendfsync is everysec and should be always",
                "maxmemory-policy cannot be read and should be noeviction",
            ]
        );
    }

    #[test]
    fn replicas_that_are_gone_are_a_concern_and_not_forgotten() {
        let safe = settings(&[
            ("appendonly", "yes"),
            ("appendfsync", "always"),
            ("maxmemory-policy", "noeviction"),
            ("min-replicas-to-write", "1"),
        ]);
        assert_eq!(concerns(&safe, 1, true), Vec::<String>::new());
        assert_eq!(concerns(&safe, 0, true), [LOST]);
    }
}
