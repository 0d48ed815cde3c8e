//! Every key in Redis with all that it holds.

use std::collections::{BTreeMap, BTreeSet};

use testbed::TestBed;

/// What a key holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Contents {
    /// A string.
    Text(String),
    /// A hash.
    Hash(BTreeMap<String, String>),
    /// A set, or the members of a sorted set.
    Members(BTreeSet<String>),
}

/// Reads everything.
///
/// # Errors
/// When Redis does not answer, or a key is of a type that no store of ours has.
pub(super) async fn dump(bed: &TestBed) -> anyhow::Result<BTreeMap<String, Contents>> {
    let mut connection = bed.redis().await?;
    let mut dump = BTreeMap::new();
    for key in bed.redis_keys("*").await? {
        let kind: String = redis::cmd("TYPE")
            .arg(&key)
            .query_async(&mut connection)
            .await?;
        let command = |name: &str| {
            let mut command = redis::cmd(name);
            command.arg(&key);
            command
        };
        let contents = match kind.as_str() {
            "string" => Contents::Text(command("GET").query_async(&mut connection).await?),
            "hash" => Contents::Hash(command("HGETALL").query_async(&mut connection).await?),
            "set" => Contents::Members(command("SMEMBERS").query_async(&mut connection).await?),
            "zset" => {
                let range = &mut command("ZRANGE");
                let members = range.arg(0).arg(-1).query_async(&mut connection).await?;
                Contents::Members(members)
            }
            // It has gone since it was listed.
            "none" => continue,
            other => anyhow::bail!("{key} is a {other}"),
        };
        dump.insert(key, contents);
    }
    Ok(dump)
}
