//! Another Redis becomes the master, as a Sentinel decides, and the store follows.

use std::sync::Arc;
use std::time::Duration;

use domain::JobId;
use futures::StreamExt;
use job_scheduler::store::Store as _;
use job_scheduler::store::redis::{RedisStore, Servers};
use service_kit::ManualClock;
use tonic::Code;

use crate::redis_server::RedisServer;
use crate::rig::Rig;
use crate::sample::{at, settings, shape};
use crate::sentinel::Sentinel;

/// A master, its replica and who watches over them.
struct Pair {
    master: RedisServer,
    replica: RedisServer,
    sentinel: Sentinel,
}

impl Pair {
    async fn start() -> Self {
        let (master, replica) = (RedisServer::start().await, RedisServer::start().await);
        replica.follow(master.port()).await;
        let sentinel = Sentinel::watch_over(&master).await;
        Self {
            master,
            replica,
            sentinel,
        }
    }
}

fn store(servers: Servers, replicas: u64) -> Arc<RedisStore> {
    let store = RedisStore::at(servers, "test", Duration::from_secs(2), shape(2));
    Arc::new(store.waiting_for(Some(replicas)))
}

/// Waits until the store answers, for as long as a slow machine may take to fail over.
async fn until_there(store: &RedisStore) {
    for _ in 0..600 {
        if store.ping().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the store was not found again within thirty seconds");
}

/// Creates jobs until one is accepted. Those before it may exist all the same.
async fn until_accepted(rig: &Rig) -> JobId {
    let mut refused = None;
    for _ in 0..600 {
        let id = JobId::generate();
        match rig.create_as(id, "t1", None).await {
            Ok(_) => return id,
            Err(status) => refused = Some(status),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nothing was accepted within a minute: {refused:?}");
}

#[tokio::test]
async fn what_was_accepted_is_known_to_the_new_master_and_nothing_is_accepted_alone() {
    let mut pair = Pair::start().await;
    let store = store(pair.sentinel.servers(), 1);
    let rig = Rig::on(store.clone(), settings(2), ManualClock::at(at(0))).await;
    let mut accepted = Vec::new();
    for _ in 0..20 {
        accepted.push(rig.create("t1").await);
    }
    let mut changes = store.subscribe().await.expect("subscribed");

    pair.master.kill();
    pair.sentinel.until_master_is(&pair.replica).await;
    until_there(&store).await;
    assert!(changes.next().await.is_none(), "the subscription is over");
    let refused = rig.create_as(JobId::generate(), "t1", None).await;
    assert_eq!(refused.expect_err("alone").code(), Code::Unavailable);
    for id in &accepted {
        let known = store.load(*id).await.expect("answers");
        assert!(known.is_some(), "{id} is lost");
    }

    // The old master comes back, takes itself for one until it is told, and then follows.
    pair.master.restart().await;
    until_accepted(&rig).await;
    let mut changes = store.subscribe().await.expect("subscribed");
    let id = until_accepted(&rig).await;
    // Those that were not accepted may be told of too.
    while changes.next().await.expect("open").job != id {}
}

/// The Sentinel is not there to tell the old master, nor to tell anybody of the new one.
#[tokio::test]
async fn a_master_that_comes_back_is_not_written_to() {
    let mut pair = Pair::start().await;
    let store = store(pair.sentinel.servers(), 0);
    let rig = Rig::on(store.clone(), settings(2), ManualClock::at(at(0))).await;
    rig.create("t1").await;
    pair.master.kill();
    pair.sentinel.until_master_is(&pair.replica).await;
    until_there(&store).await;
    // Both of its connections are made anew now.
    until_accepted(&rig).await;
    pair.sentinel.freeze(true);
    pair.master.restart().await;
    let role: String = pair.master.ask("INFO replication").await;
    assert!(role.contains("role:master"), "it takes itself for one");

    let mut jobs = Vec::new();
    for _ in 0..5 {
        jobs.push(rig.create("t1").await);
    }
    for id in jobs {
        let exists = format!("EXISTS test:job:{id}");
        let (old, new) = (&pair.master, &pair.replica);
        let known: (u64, u64) = (old.ask(&exists).await, new.ask(&exists).await);
        assert_eq!(known, (0, 1), "{id}");
    }
    pair.sentinel.freeze(false);
}

/// As when a network is cut in two: here the old master and a scheduler, there everybody else.
#[tokio::test]
async fn what_a_replaced_master_takes_is_not_accepted() {
    let pair = Pair::start().await;
    let cut_off = Servers::fixed(&pair.master.url().into()).expect("a URL");
    let cut_off = store(cut_off, 1);
    let rig = Rig::on(cut_off, settings(2), ManualClock::at(at(0))).await;
    rig.create("t1").await;
    pair.replica.ask::<()>("REPLICAOF NO ONE").await;
    let refused = rig.create_as(JobId::generate(), "t1", None).await;
    assert_eq!(
        refused.expect_err("nobody follows").code(),
        Code::Unavailable
    );
}
