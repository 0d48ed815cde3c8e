//! Where a case keeps its jobs, and everything that is in there afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use job_scheduler::store::Store;
use job_scheduler::store::memory::MemoryStore;
use job_scheduler::store::redis::RedisStore;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue};
use serde_json::Value;

use crate::redis_server::RedisServer;
use crate::sample::shape;

/// An answer that takes longer is none, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that a store holds, by key and member, as text.
pub(crate) type Contents = BTreeMap<String, BTreeMap<String, String>>;

/// What cases keep their jobs in.
#[derive(Clone)]
pub(crate) enum Backends {
    Memory,
    Redis {
        server: Arc<RedisServer>,
        connection: MultiplexedConnection,
    },
}

/// One case's own.
#[derive(Clone)]
pub(crate) enum Backend {
    Memory(MemoryStore),
    Redis {
        store: Arc<RedisStore>,
        prefix: String,
        connection: MultiplexedConnection,
    },
}

impl Backends {
    pub(crate) async fn redis() -> Self {
        // It is not to be killed here, and a thousand cases write a lot.
        let server = RedisServer::start_with(&[("appendonly", "no")]).await;
        let client = redis::Client::open(server.url()).expect("a URL");
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        let connection = client.get_multiplexed_async_connection_with_config(&config);
        let connection = connection.await.expect("up");
        Self::Redis {
            server: Arc::new(server),
            connection,
        }
    }

    /// An empty one of this name.
    pub(crate) fn one(&self, prefix: &str) -> Backend {
        match self {
            Self::Memory => Backend::Memory(MemoryStore::new(shape(2))),
            Self::Redis { server, connection } => {
                let store = RedisStore::new(&server.url().into(), prefix, PATIENCE, shape(2));
                Backend::Redis {
                    store: Arc::new(store.expect("a URL")),
                    prefix: prefix.to_owned(),
                    connection: connection.clone(),
                }
            }
        }
    }

    pub(crate) fn is_redis(&self) -> bool {
        matches!(self, Self::Redis { .. })
    }
}

impl Backend {
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::Redis { store, .. } => store.clone(),
        }
    }

    /// Writes a record's text; returns the old one.
    pub(crate) async fn rewrite(&self, key: &str, text: &str) -> String {
        let Self::Redis {
            prefix, connection, ..
        } = self
        else {
            panic!("memory keeps no text");
        };
        let key = format!("{prefix}:{key}");
        let mut pipeline = redis::pipe();
        pipeline.cmd("HGET").arg(&key).arg("r");
        pipeline.cmd("HSET").arg(&key).arg("r").arg(text).ignore();
        let rewritten = pipeline.query_async(&mut connection.clone()).await;
        let (old,): (String,) = rewritten.expect("answers");
        old
    }

    /// Empties it, so that the next case need not look past it.
    pub(crate) async fn clear(&self) {
        if let Self::Redis {
            prefix, connection, ..
        } = self
        {
            let keys = keys(prefix, &mut connection.clone()).await;
            let mut unlink = redis::cmd("UNLINK");
            let unlink = unlink.arg("nothing").arg(&keys);
            let unlinked = unlink.query_async::<u64>(&mut connection.clone()).await;
            unlinked.expect("answers");
        }
    }

    /// Everything that is in there, but for what a repetition may change: versions, tokens and what chance draws.
    pub(crate) async fn contents(&self) -> Contents {
        let all = match self {
            Self::Memory(store) => store.contents(),
            Self::Redis {
                prefix, connection, ..
            } => dump(prefix, &mut connection.clone()).await,
        };
        let named = all.into_iter().filter_map(|(key, members)| {
            let (_, key) = key.split_once(':')?;
            Some((key.to_owned(), members))
        });
        let kept = named.filter(|(key, _)| !matches!(key.as_str(), "sequence" | "plan-sequence"));
        kept.map(|(key, members)| plain(key, members)).collect()
    }
}

/// The key with its members as they are whatever chance drew.
fn plain(key: String, mut members: BTreeMap<String, String>) -> (String, BTreeMap<String, String>) {
    let kind = key.split(':').next().unwrap_or_default();
    match kind {
        "job" | "plan" => {
            members.remove("v");
            for text in members.values_mut() {
                *text = record(text);
            }
        }
        // Scores that are versions, and the ends of backoffs, which are spread.
        "changed" | "waiting" => members.values_mut().for_each(String::clear),
        _ => {}
    }
    (key, members)
}

fn record(text: &str) -> String {
    let mut record: Value = serde_json::from_str(text).expect("a document");
    for drawn in ["/lease/token", "/last_finished", "/waiting_until"] {
        if let Some(value) = record.pointer_mut(drawn).filter(|value| !value.is_null()) {
            *value = Value::from("drawn");
        }
    }
    format!("{record:#}")
}

async fn keys(prefix: &str, connection: &mut MultiplexedConnection) -> Vec<String> {
    let mut keys = redis::cmd("KEYS");
    keys.arg(format!("{prefix}:*"));
    keys.query_async(connection).await.expect("answers")
}

async fn dump(prefix: &str, connection: &mut MultiplexedConnection) -> Contents {
    let keys = keys(prefix, connection).await;
    if keys.is_empty() {
        return Contents::new();
    }
    let mut types = redis::pipe();
    for key in &keys {
        types.cmd("TYPE").arg(key);
    }
    let types: Vec<String> = types.query_async(connection).await.expect("answers");
    let mut reads = redis::pipe();
    for (key, kind) in keys.iter().zip(&types) {
        match kind.as_str() {
            "string" => reads.cmd("GET").arg(key),
            "hash" => reads.cmd("HGETALL").arg(key),
            "set" => reads.cmd("SMEMBERS").arg(key),
            "zset" => reads
                .cmd("ZRANGE")
                .arg(key)
                .arg(0)
                .arg(-1)
                .arg("WITHSCORES"),
            other => panic!("{key} is a {other}"),
        };
    }
    let values: Vec<redis::Value> = reads.query_async(connection).await.expect("answers");
    let members = types
        .iter()
        .zip(values)
        .map(|(kind, value)| match kind.as_str() {
            "string" => BTreeMap::from([(String::new(), read::<String>(value))]),
            "set" => {
                let members: Vec<String> = read(value);
                members.into_iter().map(|it| (it, String::new())).collect()
            }
            _ => read(value),
        });
    keys.into_iter().zip(members).collect()
}

fn read<T: FromRedisValue>(value: redis::Value) -> T {
    redis::from_redis_value(value).expect("of its type")
}
