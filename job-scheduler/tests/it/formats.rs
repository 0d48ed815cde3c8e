//! Stores that releases left behind: what is in them is read, gone on with to its end, and still written so that the release reads it.
//!
//! `tests/formats/<version>/store.json` is what Redis held. It is written once, with the release, by
//! `WRITE_STORE_FORMAT=<version> cargo test -p job-scheduler --test it formats`, and never changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::{JobId, JobStatus, PlanId};
use job_scheduler::store::redis::RedisStore;
use proto::v1;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::ManualClock;

use crate::redis_server::RedisServer;
use crate::rig::{Rig, failed, replicated, report};
use crate::sample::{at, job_id, plan_id, resolve, settings, shape, spec};

/// Begins every key.
const PREFIX: &str = "test";
/// Used by the caller of the first job.
const KEY: &str = "once";

/// What Redis held.
#[derive(Debug, Serialize, Deserialize)]
struct StoreFormat {
    /// The jobs, and how they stood.
    jobs: BTreeMap<JobId, JobStatus>,
    /// The plan.
    plan: PlanId,
    keys: BTreeMap<String, Held>,
}

/// What is at one key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Held {
    Text(String),
    Hash(BTreeMap<String, String>),
    Set(Vec<String>),
    Sorted(BTreeMap<String, f64>),
}

type Redis = redis::aio::MultiplexedConnection;

async fn told<T: redis::FromRedisValue>(redis: &mut Redis, name: &str, words: &[String]) -> T {
    let mut command = redis::cmd(name);
    for word in words {
        command.arg(word);
    }
    let answer = command.query_async(redis).await;
    answer.expect("it can be asked that")
}

async fn connection(server: &RedisServer) -> Redis {
    let client = redis::Client::open(server.url()).expect("a URL");
    let connection = client.get_multiplexed_async_connection().await;
    connection.expect("it runs")
}

async fn on(server: &RedisServer, seconds: i64) -> Rig {
    let store = RedisStore::new(
        &server.url().into(),
        PREFIX,
        Duration::from_secs(5),
        shape(8),
    );
    let store = Arc::new(store.expect("a URL"));
    Rig::on(store, settings(8), ManualClock::at(at(seconds))).await
}

async fn held(redis: &mut Redis, key: &str) -> Held {
    let words = |more: &[&str]| -> Vec<String> {
        let key = [key].into_iter();
        key.chain(more.iter().copied()).map(str::to_owned).collect()
    };
    let kind: String = told(redis, "TYPE", &words(&[])).await;
    match kind.as_str() {
        "string" => Held::Text(told(redis, "GET", &words(&[])).await),
        "hash" => Held::Hash(told(redis, "HGETALL", &words(&[])).await),
        "set" => Held::Set(told(redis, "SMEMBERS", &words(&[])).await),
        "zset" => Held::Sorted(told(redis, "ZRANGE", &words(&["0", "-1", "WITHSCORES"])).await),
        other => panic!("{key} is a {other}, which this test cannot keep"),
    }
}

async fn hold(redis: &mut Redis, key: &str, held: &Held) {
    let (name, members): (&str, Vec<String>) = match held {
        Held::Text(text) => ("SET", vec![text.clone()]),
        Held::Hash(fields) => {
            let fields = fields.iter();
            let words = fields.flat_map(|(name, value)| [name.clone(), value.clone()]);
            ("HSET", words.collect())
        }
        Held::Set(members) => ("SADD", members.clone()),
        Held::Sorted(members) => {
            let members = members.iter();
            let words = members.flat_map(|(member, score)| [score.to_string(), member.clone()]);
            ("ZADD", words.collect())
        }
    };
    let words: Vec<String> = [key.to_owned()].into_iter().chain(members).collect();
    told::<redis::Value>(redis, name, &words).await;
}

/// A store with something of everything in it.
async fn made() -> StoreFormat {
    let server = RedisServer::start().await;
    let rig = on(&server, 0).await;
    // In this order, so that each grant is that of the newest.
    let finished = rig.create("t1").await;
    let grant = rig.claim().await.expect("it is granted");
    rig.finish(&grant, replicated(&grant), &[]).await;
    let failing = rig.create("t1").await;
    let grant = rig.claim().await.expect("it is granted");
    rig.finish(&grant, failed(true), &[]).await;
    let canceled = rig.create("t2").await;
    let grant = rig.claim().await.expect("it is granted");
    rig.progress(&grant).await.next().await;
    rig.cancel(canceled, "t2").await.expect("it runs");
    let running = rig.create("t3").await;
    let grant = rig.claim().await.expect("it is granted");
    let mut progress = rig.progress(&grant).await;
    progress.next().await;
    progress
        .reports
        .send(report(&grant, 5))
        .await
        .expect("open");
    let errand = job_id(100);
    let task = resolve(spec("ot1", "t1", "ot2"));
    rig.create_for_plan(errand, task).await.expect("wished for");
    let waiting = JobId::generate();
    let idempotency = v1::Idempotency {
        key: KEY.to_owned(),
        request_digest: "digest".to_owned(),
    };
    rig.create_as(waiting, "t1", Some(idempotency))
        .await
        .expect("accepted");

    let mut jobs = BTreeMap::new();
    for id in [finished, failing, canceled, running, errand, waiting] {
        jobs.insert(id, rig.status(id).await);
    }
    drop(rig);
    let mut redis = connection(&server).await;
    let names: Vec<String> = told(&mut redis, "KEYS", &["*".to_owned()]).await;
    let mut keys = BTreeMap::new();
    for name in names {
        let value = held(&mut redis, &name).await;
        keys.insert(name, value);
    }
    StoreFormat {
        jobs,
        plan: plan_id(),
        keys,
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats")
}

/// Whatever `old` says has its place in `new`, with a value of its kind.
fn assert_covered(old: &Value, new: &Value, place: &str) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                let place = format!("{place}.{key}");
                let new = new.get(key);
                assert_covered(
                    value,
                    new.unwrap_or_else(|| panic!("{place} is gone")),
                    &place,
                );
            }
        }
        (Value::Null, _) => {}
        (old, new) => assert_eq!(
            std::mem::discriminant(old),
            std::mem::discriminant(new),
            "{place} was {old} and is {new}"
        ),
    }
}

#[tokio::test]
async fn what_each_release_left_is_read_and_gone_on_with() {
    if let Some(version) = std::env::var_os("WRITE_STORE_FORMAT") {
        let file = directory().join(version).join("store.json");
        assert!(!file.exists(), "what a release has written is not changed");
        std::fs::create_dir_all(file.parent().expect("it has one")).expect("it can be made");
        let text = serde_json::to_string_pretty(&made().await).expect("it is JSON");
        std::fs::write(file, text + "\n").expect("it can be written");
    }
    let mut releases = 0;
    for release in std::fs::read_dir(directory()).expect("there is one") {
        let file = release.expect("it can be read").path().join("store.json");
        let text = std::fs::read_to_string(&file).expect("each release has one");
        goes_on(&serde_json::from_str(&text).expect("it is JSON")).await;
        releases += 1;
    }
    assert!(releases > 0);
}

async fn goes_on(left: &StoreFormat) {
    let server = RedisServer::start().await;
    let mut redis = connection(&server).await;
    for (key, value) in &left.keys {
        hold(&mut redis, key, value).await;
    }
    let rig = on(&server, 20).await;
    let store = &rig.scheduler.jobs().store;
    for (id, status) in &left.jobs {
        let stored = rig.load(*id).await;
        assert_eq!(stored.record.status, *status, "{id}");
        let Held::Hash(fields) = &left.keys[&format!("{PREFIX}:job:{id}")] else {
            panic!("a job is a hash");
        };
        let old: Value = serde_json::from_str(&fields["r"]).expect("a record is JSON");
        let new = serde_json::to_value(&stored.record).expect("a record is JSON");
        assert_covered(&old, &new, "record");
    }
    let plan = store.load_plan(left.plan).await.expect("it is readable");
    assert!(plan.is_some());

    // Who repeats a request is told of the job that it made.
    let idempotency = v1::Idempotency {
        key: KEY.to_owned(),
        request_digest: "digest".to_owned(),
    };
    let again = rig
        .create_as(JobId::generate(), "t1", Some(idempotency))
        .await;
    let again = again.expect("answered").job.expect("a job");
    assert!(left.jobs.keys().any(|id| id.to_string() == again.job_id));

    // Workers go on with what they had, and find what waits.
    for id in left.jobs.keys() {
        let record = rig.load(*id).await.record;
        let Some(lease) = &record.lease else { continue };
        let grant = v1::Grant {
            job_id: id.to_string(),
            lease_token: lease.token.to_string(),
            destination_image_id: Some(id.image_of_attempt(record.attempt).to_string()),
            ..v1::Grant::default()
        };
        rig.finish(&grant, replicated(&grant), &[]).await;
    }
    for _ in 0..10 {
        rig.pass(300).await;
        while let Some(grant) = rig.claim().await {
            let unit = crate::rig::unit(&grant);
            let outcome = match unit {
                domain::Unit::Copy(_) => replicated(&grant),
                domain::Unit::CleanUp(_) => crate::rig::cleaned(),
                _ => failed(false),
            };
            let settled = grant.leftovers.clone();
            rig.finish(&grant, outcome, &settled).await;
        }
    }
    for id in left.jobs.keys() {
        let record = rig.load(*id).await.record;
        let expected = match left.jobs[id] {
            JobStatus::CancelRequested => JobStatus::Canceled,
            // The errand of a plan that is not there to tell what it is to find.
            _ if record.task.copy().is_none() => JobStatus::Error,
            _ => JobStatus::Replicated,
        };
        assert_eq!(record.status, expected, "{id}: {record:?}");
    }
}
