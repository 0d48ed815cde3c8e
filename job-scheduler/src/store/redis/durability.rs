//! Whether Redis would keep an accepted job through a crash, and the wait for a replica.

use std::collections::BTreeMap;

use super::connection::Connection;
use crate::store::StoreError;

/// How long a write waits for a replica's acknowledgement, in milliseconds.
const REPLICA_PATIENCE_MS: u64 = 1_000;

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
/// read is a concern too.
pub(super) async fn check(connection: &Connection) -> Result<Durability, StoreError> {
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
        concerns: concerns(&settings, replicas),
    })
}

fn concerns(settings: &BTreeMap<String, String>, replicas: u64) -> Vec<String> {
    let mut wanted = vec![
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("maxmemory-policy", "noeviction"),
    ];
    if replicas > 0 {
        wanted.push(("min-replicas-to-write", "1"));
    }
    wanted
        .into_iter()
        .filter_map(|(name, value)| match settings.get(name) {
            Some(is) if is == value => None,
            // More replicas than asked for are as good.
            Some(is) if name == "min-replicas-to-write" && is != "0" => None,
            Some(is) => Some(format!("{name} is {is} and should be {value}")),
            None => Some(format!("{name} cannot be read and should be {value}")),
        })
        .collect()
}

/// Waits until a replica has everything that was written on this connection.
pub(super) async fn await_replica(connection: &Connection) -> Result<(), StoreError> {
    let mut wait = redis::cmd("WAIT");
    wait.arg(1).arg(REPLICA_PATIENCE_MS);
    let acknowledged: u64 = connection.command(&wait).await?;
    if acknowledged == 0 {
        let why = "no replica acknowledged the write in time";
        return Err(StoreError::Unavailable(why.to_owned()));
    }
    Ok(())
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
        assert_eq!(concerns(&settings(&safe), 0), Vec::<String>::new());
        assert_eq!(concerns(&settings(&safe), 1).len(), 1);
        let usual = settings(&[("appendonly", "no"), ("appendfsync", "everysec")]);
        assert_eq!(
            concerns(&usual, 0),
            [
                "appendonly is no and should be yes",
                "appendfsync is everysec and should be always",
                "maxmemory-policy cannot be read and should be noeviction",
            ]
        );
    }
}
