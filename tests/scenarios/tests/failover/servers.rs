//! The Redis servers of the test bed: which is the master, and what the Sentinels think of it.

use std::time::Duration;

use anyhow::{Context, ensure};
use redis::RedisResult;
use scenarios::{AdminPort, PATIENCE, Stage, Turn, quick_bed};
use testbed::{Part, TestBed, eventually};

/// All servers.
const SERVERS: [Part; 3] = [Part::Redis, Part::RedisReplica(1), Part::RedisReplica(2)];

const CONFIG: &str = "
[gateway]
request_deadline = '10s'
[scheduler]
lease_length = '10s'
serving_gap = '5s'
require_durable_redis = true
[redis]
response_timeout = '2s'
";

static STAGE: Stage = Stage::new();

/// This test's turn on the test bed, with every server up to date.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    let builder = quick_bed(2)
        .redis_replicas(2)
        .redis("min-replicas-to-write", "1")
        .config(CONFIG);
    let turn = STAGE.turn(|| builder.start()).await?;
    until_whole(turn.bed).await?;
    Ok(turn)
}

/// Waits until every scheduler says that accepted jobs are safe, which takes all servers, and every Sentinel knows all
/// of them.
pub(crate) async fn until_whole(bed: &TestBed) -> anyhow::Result<()> {
    until_noted(bed, "accepted jobs are safe").await?;
    for sentinel in sentinels() {
        eventually(PATIENCE, format!("{sentinel} knows all"), || async {
            let mut connection = bed.redis_of(sentinel).await?;
            let mut command = redis::cmd("SENTINEL");
            command.arg(&["REPLICAS", "jobs"]);
            let known: Vec<std::collections::BTreeMap<String, String>> =
                command.query_async(&mut connection).await?;
            let follow = known.iter().filter(|it| it["flags"] == "slave");
            ensure!(follow.count() == SERVERS.len() - 1, "{known:?}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Waits until a scheduler says this about durability, ready all the same.
pub(crate) async fn until_noted(bed: &TestBed, words: &str) -> anyhow::Result<()> {
    let admin = AdminPort::of(bed, Part::Scheduler(1))?;
    eventually(PATIENCE, format!("`{words}`"), || async {
        let note = admin.note("durability").await?;
        ensure!(note.contains(words), "{note}");
        Ok(())
    })
    .await
}

/// The server that takes itself for the master; of several, those that do not answer aside.
pub(crate) async fn master(bed: &TestBed) -> anyhow::Result<Part> {
    let mut masters = Vec::new();
    for server in SERVERS {
        if role(bed, server).await.is_ok_and(|role| role == "master") {
            masters.push(server);
        }
    }
    ensure!(masters.len() == 1, "masters are {masters:?}");
    masters.pop().context("one")
}

/// Waits until one of the others is the master, in the eyes of all Sentinels.
pub(crate) async fn until_replaced(bed: &TestBed, old: Part) -> anyhow::Result<Part> {
    let port = port(bed, old)?;
    for sentinel in sentinels() {
        eventually(
            PATIENCE,
            format!("another master for {sentinel}"),
            || async {
                let mut connection = bed.redis_of(sentinel).await?;
                let mut command = redis::cmd("SENTINEL");
                command.arg(&["GET-MASTER-ADDR-BY-NAME", "jobs"]);
                let (_, now): (String, String) = command.query_async(&mut connection).await?;
                ensure!(now != port, "still {old}");
                Ok(())
            },
        )
        .await?;
    }
    eventually(PATIENCE, "a new master", || async {
        for server in SERVERS.into_iter().filter(|server| *server != old) {
            if role(bed, server).await.is_ok_and(|role| role == "master") {
                return Ok(server);
            }
        }
        anyhow::bail!("none")
    })
    .await
}

/// Waits until a server that was the master follows another one.
pub(crate) async fn until_follower(bed: &TestBed, server: Part) -> anyhow::Result<()> {
    eventually(PATIENCE, format!("{server} follows"), || async {
        let role = role(bed, server).await?;
        ensure!(role == "slave", "it is {role}");
        Ok(())
    })
    .await
}

async fn role(bed: &TestBed, server: Part) -> anyhow::Result<String> {
    let asked = async {
        let mut connection = bed.redis_of(server).await?;
        let answer: RedisResult<redis::Value> =
            redis::cmd("ROLE").query_async(&mut connection).await;
        let redis::Value::Array(words) = answer? else {
            anyhow::bail!("{server} has no role");
        };
        let first = words.into_iter().next().context("no role")?;
        anyhow::Ok(redis::from_redis_value::<String>(first)?)
    };
    // One that is frozen says nothing.
    tokio::time::timeout(Duration::from_secs(2), asked).await?
}

fn port(bed: &TestBed, server: Part) -> anyhow::Result<String> {
    let path = bed.directory().join(server.to_string()).join("redis.conf");
    let config = std::fs::read_to_string(path)?;
    let port = config.lines().find_map(|line| line.strip_prefix("port "));
    Ok(port.context("no port")?.to_owned())
}

fn sentinels() -> impl Iterator<Item = Part> {
    (1..=3).map(Part::Sentinel)
}
