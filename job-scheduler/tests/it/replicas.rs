//! What a replica does not have is not promised.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::{JobId, JobStatus};
use jiff::SignedDuration;
use job_scheduler::intake::create_for_plan;
use job_scheduler::lifecycle::cancel;
use job_scheduler::plan_record::PlanRecord;
use job_scheduler::status::CallError;
use job_scheduler::store::plans::PlanStore as _;
use job_scheduler::store::redis::{ConcernKind, RedisStore};
use job_scheduler::store::{PlanVersion, Store as _, StoreError};
use job_scheduler::store_clock::StoreClock;
use service_kit::{Clock as _, ManualClock, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;

use crate::redis_server::RedisServer;
use crate::rig::Rig;
use crate::sample::{at, idle_plan, plan_id, plan_terms, planned, rules, settings, shape, spec};

/// Longer than a write waits for a replica.
const TIMEOUT: Duration = Duration::from_secs(5);

fn store(url: String, replicas: Option<u64>) -> Arc<RedisStore> {
    let store = RedisStore::new(&url.into(), "test", TIMEOUT, shape(2));
    Arc::new(store.expect("a URL").waiting_for(replicas))
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
    replica.follow(master.port()).await;
    let cutting = Arc::new(AtomicBool::new(false));
    let store = store(proxy(&master, cutting.clone()).await, None);
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

/// A way to a Redis on which nothing moves while `held`.
async fn hold_up(server: &RedisServer, held: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (here, port) = (listener.local_addr().expect("bound"), server.port());
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
                continue;
            };
            let (near, far) = (near.into_split(), far.into_split());
            tokio::spawn(pump(near.0, far.1, held.clone()));
            tokio::spawn(pump(far.0, near.1, held.clone()));
        }
    });
    here.port()
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, held: Arc<AtomicBool>) {
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        while held.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// Of two replicas one has the job, and the other becomes the master: lost. Who waits for both accepts nothing then.
#[tokio::test]
async fn any_replica_may_take_over_only_if_all_are_waited_for() {
    let mut master = RedisServer::start().await;
    let (near, far) = (RedisServer::start().await, RedisServer::start().await);
    let held = Arc::new(AtomicBool::new(false));
    near.follow(master.port()).await;
    far.follow(hold_up(&master, held.clone()).await).await;

    let one_suffices = store(master.url(), Some(1));
    let found = one_suffices.check_durability().await.expect("answers");
    let losing: Vec<_> = found.losing().map(|it| it.kind).collect();
    assert!(
        losing.contains(&ConcernKind::ReplicasUnawaited),
        "{losing:?}"
    );
    let careless = Rig::on(one_suffices, settings(2), ManualClock::at(at(0))).await;
    let careful = Rig::on(
        store(master.url(), None),
        settings(2),
        ManualClock::at(at(0)),
    )
    .await;
    let kept = careful.create("t1").await;

    held.store(true, Ordering::Relaxed);
    let refused = careful.create_as(JobId::generate(), "t1", None).await;
    assert_eq!(refused.expect_err("one lacks it").code(), Code::Unavailable);
    let lost = careless.create("t1").await;
    master.kill();
    far.ask::<()>("REPLICAOF NO ONE").await;

    let after = store(far.url(), Some(0));
    let load = async |id| after.load(id).await.expect("answers");
    assert!(load(kept).await.is_some());
    assert!(load(lost).await.is_none(), "then waiting for one would do");
}

/// Nobody has looked yet how many replicas there are: that is seen to before, not after.
#[tokio::test]
async fn the_first_thing_that_is_accepted_waits_for_the_replicas_as_well() {
    let (master, replica) = (RedisServer::start().await, RedisServer::start().await);
    replica.follow(master.port()).await;
    replica.freeze(true);
    let store = store(master.url(), None);
    let rig = Rig::on(store, settings(2), ManualClock::at(at(0))).await;
    let refused = rig.create_as(JobId::generate(), "t1", None).await;
    assert_eq!(
        refused.expect_err("not replicated").code(),
        Code::Unavailable
    );
    replica.freeze(false);
}

/// A cancel is a promise as well.
#[tokio::test]
async fn a_cancel_that_no_replica_has_is_not_answered() {
    let (master, replica) = (RedisServer::start().await, RedisServer::start().await);
    replica.follow(master.port()).await;
    let rig = Rig::on(
        store(master.url(), None),
        settings(2),
        ManualClock::at(at(0)),
    )
    .await;
    let id = rig.create("t1").await;
    replica.freeze(true);
    let refused = rig.cancel(id, "t1").await.expect_err("not replicated");
    assert_eq!(refused.code(), Code::Unavailable);
    replica.freeze(false);
}

#[tokio::test]
async fn replicas_that_went_away_are_still_waited_for_and_missed_loudly() {
    let (master, mut replica) = (RedisServer::start().await, RedisServer::start().await);
    replica.follow(master.port()).await;
    let store = store(master.url(), None);
    assert_eq!(store.check_durability().await.expect("answers").replicas, 1);
    let rig = Rig::on(store.clone(), settings(2), ManualClock::at(at(0))).await;
    rig.create("t1").await;
    replica.kill();
    let refused = rig.create_as(JobId::generate(), "t1", None).await;
    assert_eq!(refused.expect_err("no replica").code(), Code::Unavailable);
    let found = store.check_durability().await.expect("answers");
    let missed = found.losing().map(|it| it.kind);
    let missed: Vec<_> = missed.collect();
    assert!(missed.contains(&ConcernKind::ReplicasMissing), "{missed:?}");
    let refused = rig.create_as(JobId::generate(), "t1", None).await;
    assert_eq!(refused.expect_err("still none").code(), Code::Unavailable);
}

/// A scheduler may have read, or still know from its last commit, what the replica never heard of.
#[tokio::test]
async fn what_was_read_before_a_replica_took_over_is_no_base_for_a_commit() {
    let (master, replica) = (RedisServer::start().await, RedisServer::start().await);
    replica.follow(master.port()).await;
    let old = store(master.url(), None);
    let rig = Rig::on(old.clone(), settings(2), ManualClock::at(at(0))).await;
    let id = rig.create("t1").await;
    replica.ask::<()>("REPLICAOF NO ONE").await;
    let shared = old.load(id).await.expect("answers").expect("stands");
    let mut touched = shared.record.clone();
    touched.bytes_copied = 1;
    let known = old.commit(&shared, &touched, at(0)).await.expect("newest");

    let new = store(replica.url(), None);
    let canceled = cancel(&shared.record, at(1), &rules()).expect("cancelable");
    let committed = new.commit(&shared, &canceled, at(1)).await.expect("newest");
    assert_eq!(
        committed.version, known.version,
        "as often as it was given before"
    );
    let late = new.commit(&known, &known.record, at(1)).await;
    assert_eq!(late, Err(StoreError::Conflict));
    let stands = new.load(id).await.expect("answers").expect("stands");
    assert_eq!(stands.record.status, JobStatus::Canceled);
}

/// The same of a plan; and nothing is made of what it wished then.
#[tokio::test]
async fn a_plan_that_was_read_before_a_replica_took_over_is_no_base_for_anything() {
    let (master, replica) = (RedisServer::start().await, RedisServer::start().await);
    replica.follow(master.port()).await;
    let old = store(master.url(), None);
    let clock = ManualClock::at(at(0));
    let before = Rig::on(old.clone(), settings(2), clock.clone()).await;
    let id = plan_id();
    let terms = plan_terms(1);
    let created = old.create_plan(&idle_plan(id), &terms, at(0)).await;
    created.expect("accepted");
    replica.ask::<()>("REPLICAOF NO ONE").await;
    let new = store(replica.url(), None);
    let after = Rig::on(new.clone(), settings(2), clock.clone()).await;
    let shared = old.load_plan(id).await.expect("answers").expect("stands");
    let edited = |revision| PlanRecord {
        revision,
        ..shared.record.clone()
    };
    let unpromised = before.scheduler.plans().commit(&shared, &edited(2)).await;
    unpromised.expect_err("no replica has it");
    let known = old.load_plan(id).await.expect("answers").expect("stands");
    assert_eq!(known.record.revision, 2);

    clock.advance(SignedDuration::from_secs(1));
    let committed = after.scheduler.plans().commit(&shared, &edited(3)).await;
    let committed = committed.expect("newest");
    assert_eq!(
        committed.version, known.version,
        "as often as it was given before"
    );
    let late = after.scheduler.plans().commit(&known, &edited(4)).await;
    assert_eq!(late, Err(StoreError::Conflict));
    assert_eq!(new.remove_plan(&known).await, Err(StoreError::Conflict));
    let wished_by = PlanVersion::of(&known);
    let task = planned(spec("ot1", "t1", "ot2"));
    let late = create_for_plan(after.scheduler.jobs(), wished_by, JobId::generate(), task).await;
    assert!(
        matches!(late, Err(CallError::Store(StoreError::Conflict))),
        "{late:?}"
    );
    let stands = new.load_plan(id).await.expect("answers");
    assert_eq!(stands, Some(committed));
}

#[tokio::test]
async fn a_redis_that_became_a_replica_does_not_count_as_there() {
    let (master, other) = (RedisServer::start().await, RedisServer::start().await);
    let store = store(master.url(), None);
    store.ping().await.expect("it takes writes");
    master.follow(other.port()).await;
    assert!(matches!(
        store.ping().await,
        Err(StoreError::Unavailable(_))
    ));
    let clients = async || master.ask::<String>("CLIENT LIST TYPE NORMAL").await;
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
    let store = store(server.url(), None);
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
