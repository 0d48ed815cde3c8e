//! What a replica does not have is not promised.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::JobId;
use job_scheduler::store::redis::RedisStore;
use job_scheduler::store::{Store as _, StoreError};
use job_scheduler::store_clock::StoreClock;
use redis::aio::MultiplexedConnection;
use service_kit::{Clock as _, ManualClock, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;

use crate::redis_server::RedisServer;
use crate::rig::Rig;
use crate::sample::{at, settings, shape};

/// Longer than a write waits for a replica.
const TIMEOUT: Duration = Duration::from_secs(5);

fn store(url: String) -> Arc<RedisStore> {
    let store = RedisStore::new(&url.into(), "test", TIMEOUT, shape(2));
    Arc::new(store.expect("a URL"))
}

async fn connect(server: &RedisServer) -> MultiplexedConnection {
    let client = redis::Client::open(server.url()).expect("a URL");
    let connection = client.get_multiplexed_async_connection();
    connection.await.expect("it answers")
}

async fn replicate(replica: &RedisServer, of: &RedisServer) {
    let mut command = redis::cmd("REPLICAOF");
    command.arg("127.0.0.1").arg(of.port());
    let mut connection = connect(replica).await;
    command
        .query_async::<()>(&mut connection)
        .await
        .expect("done");
    for _ in 0..200 {
        let mut info = redis::cmd("INFO");
        let info = info.arg("replication").query_async(&mut connection).await;
        let info: String = info.expect("it answers");
        if info.contains("master_link_status:up") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the replica did not follow within ten seconds");
}

/// Stands before a Redis; while `cutting`, each connection ends behind the first answer.
async fn proxy(server: &RedisServer, cutting: Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (address, port) = (listener.local_addr().expect("bound"), server.port());
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(("127.0.0.1", port)).await;
            tokio::spawn(pass_on(near, far.expect("it runs"), cutting.clone()));
        }
    });
    format!("redis://{address}/0")
}

async fn pass_on(mut near: TcpStream, mut far: TcpStream, cutting: Arc<AtomicBool>) {
    let (mut there, mut back) = ([0; 8192], [0; 8192]);
    loop {
        tokio::select! {
            read = near.read(&mut there) => match read {
                Ok(length @ 1..) if far.write_all(&there[..length]).await.is_ok() => {}
                _ => return,
            },
            read = far.read(&mut back) => match read {
                Ok(length @ 1..) if near.write_all(&back[..length]).await.is_ok() => {
                    let scripts_answer = back.starts_with(b"*2");
                    if cutting.load(Ordering::Relaxed) && scripts_answer {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}

#[tokio::test]
async fn a_connection_lost_between_a_write_and_its_wait_is_no_promise() {
    let (master, replica) = (RedisServer::start().await, RedisServer::start().await);
    replicate(&replica, &master).await;
    let cutting = Arc::new(AtomicBool::new(false));
    let store = store(proxy(&master, cutting.clone()).await);
    let found = store.check_durability().await.expect("answers");
    assert_eq!(found.replicas, 1);
    let rig = Rig::on(store, settings(2), ManualClock::at(at(0))).await;
    rig.create("t1").await;
    // The replica says nothing, and on a new connection nothing was written that it could lack. Of
    // calls that share a connection, one has it made anew for all.
    replica.freeze(true);
    cutting.store(true, Ordering::Relaxed);
    for _ in 0..10 {
        let calls = (0..8).map(|_| rig.create_as(JobId::generate(), "t1", None));
        for answer in futures::future::join_all(calls).await {
            let refused = answer.expect_err("not replicated");
            assert_eq!(refused.code(), Code::Unavailable);
        }
    }
    replica.freeze(false);
}

#[tokio::test]
async fn replicas_that_went_away_are_still_waited_for_and_missed_loudly() {
    let (master, mut replica) = (RedisServer::start().await, RedisServer::start().await);
    replicate(&replica, &master).await;
    let store = store(master.url());
    assert_eq!(store.check_durability().await.expect("answers").replicas, 1);
    let rig = Rig::on(store.clone(), settings(2), ManualClock::at(at(0))).await;
    rig.create("t1").await;
    replica.kill();
    let refused = rig.create_as(JobId::generate(), "t1", None).await;
    assert_eq!(refused.expect_err("no replica").code(), Code::Unavailable);
    let found = store.check_durability().await.expect("answers");
    let missed = found
        .concerns
        .iter()
        .any(|it| it.contains("replicas are gone"));
    assert!(missed, "{:?}", found.concerns);
    let refused = rig.create_as(JobId::generate(), "t1", None).await;
    assert_eq!(refused.expect_err("still none").code(), Code::Unavailable);
}

#[tokio::test]
async fn a_redis_that_became_a_replica_does_not_count_as_there() {
    let (master, other) = (RedisServer::start().await, RedisServer::start().await);
    let store = store(master.url());
    store.ping().await.expect("it takes writes");
    replicate(&master, &other).await;
    assert!(matches!(
        store.ping().await,
        Err(StoreError::Unavailable(_))
    ));
    let clients = async || {
        let mut connection = connect(&master).await;
        let mut list = redis::cmd("CLIENT");
        let list = list.arg("LIST").arg("TYPE").arg("NORMAL");
        let list: String = list.query_async(&mut connection).await.expect("answers");
        list
    };
    // The next command comes on a new connection, which may lead elsewhere.
    let before = clients().await;
    store.ping().await.expect_err("read-only");
    let after = clients().await;
    let ids = |list: &str| -> Vec<String> {
        let lines = list.lines().filter(|line| line.contains("cmd=del"));
        lines
            .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
            .collect()
    };
    assert!(ids(&after).iter().all(|id| !ids(&before).contains(id)));
}

#[tokio::test]
async fn schedulers_whose_clocks_differ_agree_on_the_time_of_redis() {
    let server = RedisServer::start().await;
    let store = store(server.url());
    let now = SystemClock.now();
    for skew in [-3_600, 7_200] {
        let local = ManualClock::at(now);
        local.advance(jiff::SignedDuration::from_secs(skew));
        let clock = StoreClock::new(Arc::new(local));
        clock.ask(&store).await.expect("answers");
        let off = clock
            .now()
            .duration_since(SystemClock.now())
            .as_secs()
            .abs();
        assert!(off < 5, "{off} s");
    }
}
