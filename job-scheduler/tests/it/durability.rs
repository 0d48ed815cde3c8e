//! What Redis says of itself, and what is said about it: on real servers, set up well and badly.

use std::time::Duration;

use domain::JobId;
use job_scheduler::acceptance::Acceptance;
use job_scheduler::store::redis::{ConcernKind, RedisStore, Sequences};
use proto::v1;
use tonic::Code;
use uuid::Uuid;

use crate::redis_server::RedisServer;
use crate::rig::{Rig, replicated};
use crate::sample::{settings, shape};

fn store(server: &RedisServer) -> RedisStore {
    let timeout = Duration::from_secs(5);
    RedisStore::new(&server.url().into(), "test", timeout, shape(2)).expect("a URL")
}

async fn concerns(server: &RedisServer) -> Vec<ConcernKind> {
    let found = store(server).check_durability().await.expect("answers");
    found.concerns.iter().map(|it| it.kind).collect()
}

#[tokio::test]
async fn settings_that_lose_are_noticed_while_redis_runs() {
    let server = RedisServer::start().await;
    assert_eq!(concerns(&server).await, []);
    for (setting, value, expected) in [
        ("appendonly", "no", ConcernKind::AppendOnlyFile),
        ("appendfsync", "everysec", ConcernKind::Sync),
        (
            "no-appendfsync-on-rewrite",
            "yes",
            ConcernKind::SyncDuringRewrite,
        ),
        ("maxmemory-policy", "volatile-ttl", ConcernKind::Eviction),
    ] {
        let was: Vec<String> = server.ask(&format!("CONFIG GET {setting}")).await;
        server
            .ask::<()>(&format!("CONFIG SET {setting} {value}"))
            .await;
        assert_eq!(concerns(&server).await, [expected]);
        server
            .ask::<()>(&format!("CONFIG SET {setting} {}", was[1]))
            .await;
    }
    assert_eq!(concerns(&server).await, []);
}

/// As with services that are run by others.
#[tokio::test]
async fn a_redis_that_tells_no_settings_is_a_concern() {
    let server = RedisServer::start_with(&[("rename-command", "CONFIG HIDDEN")]).await;
    let found = concerns(&server).await;
    assert_eq!(found, [ConcernKind::Unreadable; 2]);
}

#[tokio::test]
async fn nothing_new_is_accepted_while_it_could_be_lost_and_the_rest_goes_on() {
    let acceptance = Acceptance::while_durable();
    let rig = Rig::start_accepting(settings(2), acceptance.clone()).await;
    let create = async || rig.create_as(JobId::generate(), "t1", None).await;
    let refused = create().await.expect_err("nobody has looked yet");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    acceptance.doubt(None);
    let jobs = [rig.create("t1").await, rig.create("t1").await];
    acceptance.doubt(Some("appendonly is no".to_owned()));
    let refused = create().await.expect_err("it could be lost");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("appendonly is no"));

    let grant = rig.claim().await.expect("work");
    let waiting = jobs.into_iter().find(|id| id.to_string() != grant.job_id);
    let verdict = rig.finish(&grant, replicated(&grant), &[]).await;
    assert_eq!(verdict, v1::FinishVerdict::Committed);
    rig.cancel(waiting.expect("the other"), "t1")
        .await
        .expect("cancelable");
    acceptance.doubt(None);
    create().await.expect("it is safe again");
}

#[tokio::test]
async fn a_store_is_identified_once_and_its_counters_only_raised() {
    let server = RedisServer::start().await;
    let (one, other) = (store(&server), store(&server));
    let nothing = Sequences::default();
    assert_eq!(one.standing().await.expect("answers").identity, None);
    let (first, late) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let far = Sequences { jobs: 70, plans: 7 };
    let stands = one.identify(None, first, far).await.expect("answers");
    assert_eq!((stands.identity, stands.sequences), (Some(first), far));
    let stands = other.identify(None, late, nothing).await.expect("answers");
    assert_eq!((stands.identity, stands.sequences), (Some(first), far));
    assert_eq!(other.standing().await.expect("answers"), stands);
    let stands = one.identify(Some(first), late, nothing).await;
    assert_eq!(stands.expect("answers").identity, Some(late));
}

#[tokio::test]
async fn a_store_that_was_wiped_has_no_identity() {
    let mut server = RedisServer::start().await;
    let store = store(&server);
    let identified = store.identify(None, Uuid::from_u128(1), Sequences::default());
    identified.await.expect("answers");
    server.kill();
    server.restart().await;
    let after_a_crash = store.standing().await;
    assert!(after_a_crash.is_err(), "it is a new connection");
    let stands = store.standing().await.expect("answers");
    assert_eq!(stands.identity, Some(Uuid::from_u128(1)));
    server.kill();
    server.wipe();
    server.restart().await;
    store.standing().await.expect_err("again a new connection");
    let stands = store.standing().await.expect("answers");
    assert_eq!(
        (stands.identity, stands.sequences),
        (None, Sequences::default())
    );
}

/// Redis' own answer to a disk that is full: without `always` it goes on in memory, and says so if asked.
#[tokio::test]
async fn a_disk_that_is_full_is_noticed() {
    let server = RedisServer::start_on_small_disk(&[("appendfsync", "everysec")]).await;
    assert_eq!(concerns(&server).await, [ConcernKind::Sync]);
    let client = redis::Client::open(server.url()).expect("a URL");
    let connection = client.get_multiplexed_async_connection().await;
    let mut connection = connection.expect("it runs");
    let mut noticed = false;
    for _ in 0..300 {
        let large = redis::Cmd::set("large", "x".repeat(1 << 20));
        // Refused as soon as Redis knows.
        let _ = large.query_async::<()>(&mut connection).await;
        noticed = concerns(&server)
            .await
            .contains(&ConcernKind::AppendFailing);
        if noticed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(noticed);
}
