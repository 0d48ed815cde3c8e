//! Records that this version cannot read stop nobody else, and are not lost.

use std::sync::Arc;
use std::time::Duration;

use domain::{JobId, JobStatus};
use job_scheduler::store::redis::RedisStore;
use redis::aio::MultiplexedConnection;
use service_kit::ManualClock;

use crate::redis_server::RedisServer;
use crate::rig::Rig;
use crate::sample::{at, region, settings, shape};

/// More than the reconciler looks at in one go.
const MANY: usize = 120;

struct Surroundings {
    rig: Rig,
    redis: MultiplexedConnection,
    _server: RedisServer,
}

impl Surroundings {
    async fn start() -> Self {
        let server = RedisServer::start().await;
        let timeout = Duration::from_secs(5);
        let store = RedisStore::new(&server.url().into(), "test", timeout, shape(2));
        let store = Arc::new(store.expect("a URL"));
        let client = redis::Client::open(server.url()).expect("a URL");
        Self {
            rig: Rig::on(store, settings(2), ManualClock::at(at(0))).await,
            redis: client.get_multiplexed_async_connection().await.expect("up"),
            _server: server,
        }
    }

    /// Replaces a record's text; returns the old one.
    async fn rewrite(&mut self, id: JobId, text: &str) -> String {
        let key = format!("test:job:{id}");
        let mut pipeline = redis::pipe();
        pipeline.cmd("HGET").arg(&key).arg("r");
        pipeline.cmd("HSET").arg(&key).arg("r").arg(text).ignore();
        let (old,): (String,) = pipeline.query_async(&mut self.redis).await.expect("done");
        old
    }

    async fn unreadable(&mut self, tenant: &str) -> (JobId, String) {
        let id = self.rig.create(tenant).await;
        let text = self.rewrite(id, r#"{"format":99}"#).await;
        (id, text)
    }
}

#[tokio::test]
async fn the_work_of_others_goes_on_in_lanes_and_indexes_full_of_unreadable_records() {
    let mut around = Surroundings::start().await;
    for number in 0..MANY {
        around.unreadable(&format!("t{}", number % 9)).await;
    }
    let id = around.rig.create("t0").await;
    let grant = around.rig.claim().await.expect("work");
    assert_eq!(grant.job_id, id.to_string());
    assert_eq!(around.rig.claim().await, None);

    let late = around.rig.create("t1").await;
    around
        .rig
        .clock
        .advance(jiff::SignedDuration::from_hours(8 * 24));
    around.rig.reconcile().await;
    around.rig.reconcile().await;
    assert_eq!(around.rig.status(late).await, JobStatus::Error);
}

#[tokio::test]
async fn a_record_that_can_be_read_again_is_back_in_all_its_places() {
    let mut around = Surroundings::start().await;
    let (id, text) = around.unreadable("t1").await;
    assert_eq!(around.rig.claim().await, None);
    around.rig.pass(70).await;
    assert_eq!(around.rig.claim().await, None);
    around.rewrite(id, &text).await;
    around.rig.pass(70).await;
    let grant = around.rig.claim().await.expect("work");
    assert_eq!(grant.job_id, id.to_string());
}

#[tokio::test]
async fn a_field_of_a_newer_version_is_passed_over() {
    let mut around = Surroundings::start().await;
    let id = around.rig.create("t1").await;
    let text = around.rewrite(id, "").await;
    let newer = text.replacen('{', r#"{"invented_later":[1],"#, 1);
    around.rewrite(id, &newer).await;
    assert!(around.rig.claim().await.is_some());
}

#[tokio::test]
async fn tenants_that_are_not_ahead_are_forgotten() {
    let mut around = Surroundings::start().await;
    for tenant in 0..5 {
        around.rig.create(&format!("t{tenant}")).await;
        let grant = around.rig.claim().await.expect("work");
        let done = crate::rig::replicated(&grant);
        around.rig.finish(&grant, done, &[]).await;
    }
    // Each paid one; a sixth that pays twice moves the clock past them.
    for _ in 0..2 {
        around.rig.create("t9").await;
        let grant = around.rig.claim().await.expect("work");
        let done = crate::rig::replicated(&grant);
        around.rig.finish(&grant, done, &[]).await;
    }
    let store = around.rig.scheduler.jobs().store.clone();
    store.reseat(&region("ot2"), at(0)).await.expect("answers");
    let mut fields = redis::cmd("HKEYS");
    fields.arg("test:virtual:ot2");
    let mut fields: Vec<String> = fields.query_async(&mut around.redis).await.expect("up");
    fields.sort();
    assert_eq!(fields, ["t9", "~clock"]);
}
