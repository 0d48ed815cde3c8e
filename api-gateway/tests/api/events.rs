//! The event streams.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use proto::v1::JobStatus;
use serde_json::Value;

use crate::cloud::SOURCE_TENANT;
use crate::gateway::{JOBS, TestGateway, refusal, until};
use crate::jobs::{job, job_id, own_job};
use crate::scheduler::FakeScheduler;

/// An event as its lines; comments have no field.
#[derive(Debug, Default, PartialEq, Eq)]
struct Received {
    event: String,
    id: String,
    data: String,
    comment: bool,
}

/// Reads server-sent events from a response.
struct Events {
    body: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    unread: String,
}

impl Events {
    async fn open(gateway: &TestGateway, path: &str, user: &str, after: Option<&str>) -> Self {
        let mut request = gateway.request(reqwest::Method::GET, path, user);
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.bytes_stream().boxed(),
            unread: String::new(),
        }
    }

    /// The next event or comment; none at the end of the stream.
    async fn next(&mut self) -> Option<Received> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let received = parse(event);
                self.unread = rest.to_owned();
                return Some(received);
            }
            let waiting = tokio::time::timeout(Duration::from_secs(20), self.body.next());
            let bytes = waiting
                .await
                .expect("something in time")?
                .expect("no broken stream");
            self.unread
                .push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
    }

    /// The next event that is not a comment.
    async fn next_event(&mut self) -> Option<Received> {
        loop {
            match self.next().await {
                Some(received) if received.comment => {}
                other => return other,
            }
        }
    }

    async fn next_status(&mut self) -> Option<String> {
        let event = self.next_event().await?;
        let document: Value = event.data.parse().expect("JSON");
        Some(document["status"].as_str().expect("a status").to_owned())
    }
}

fn parse(text: &str) -> Received {
    let mut received = Received::default();
    for line in text.lines() {
        match line.split_once(':').expect("a field") {
            ("", _) => received.comment = true,
            ("event", value) => received.event = value.trim_start().to_owned(),
            ("id", value) => received.id = value.trim_start().to_owned(),
            ("data", value) => received.data = value.trim_start().to_owned(),
            (other, _) => panic!("an unknown field {other}"),
        }
    }
    received
}

fn of_job(number: u32) -> String {
    format!("{JOBS}/{}/events", job_id(number))
}

#[tokio::test]
async fn a_job_is_shown_at_once_and_on_every_change_until_its_end() {
    let gateway = TestGateway::start().await;
    let table = &gateway.scheduler.table;
    table.put(own_job(1, JobStatus::ReplicateRequested));
    let mut events = Events::open(&gateway, &of_job(1), "alice", None).await;
    assert_eq!(
        events.next_status().await.as_deref(),
        Some("replicate_requested")
    );
    table.put(own_job(2, JobStatus::Replicating));
    table.set_status(&job_id(1), JobStatus::Replicating);
    assert_eq!(events.next_status().await.as_deref(), Some("replicating"));
    table.set_status(&job_id(1), JobStatus::Replicated);
    assert_eq!(events.next_status().await.as_deref(), Some("replicated"));
    assert_eq!(events.next().await, None);
    let foreign = job(3, "somebody-else", JobStatus::Replicating);
    table.put(foreign);
    assert_eq!(refusal(gateway.get(&of_job(3), "alice").await).await.0, 404);
    gateway.stop().await;
}

#[tokio::test]
async fn all_jobs_of_the_project_are_watched_and_can_be_resumed() {
    let gateway = TestGateway::start().await;
    let table = &gateway.scheduler.table;
    let all = format!("{JOBS}/events");
    table.put(own_job(1, JobStatus::ReplicateRequested));
    let mut events = Events::open(&gateway, &all, "alice", None).await;
    table.put(job(2, "somebody-else", JobStatus::Replicating));
    table.set_status(&job_id(1), JobStatus::Replicating);
    let seen = events.next_event().await.expect("a change");
    assert!(seen.data.contains("replicating"), "{seen:?}");
    drop(events);
    table.set_status(&job_id(1), JobStatus::Replicated);
    let mut events = Events::open(&gateway, &all, "alice", Some(&seen.id)).await;
    assert_eq!(events.next_status().await.as_deref(), Some("replicated"));
    let nonsense = gateway
        .request(reqwest::Method::GET, &all, "alice")
        .header("Last-Event-ID", "yesterday");
    assert_eq!(
        refusal(nonsense.send().await.expect("an answer")).await.0,
        400
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let gateway = TestGateway::start().await;
    let valid = Duration::from_secs(2);
    gateway
        .cloud
        .add_expiring_token("brief", Some(SOURCE_TENANT), &["member"], valid);
    let mut events = Events::open(&gateway, &format!("{JOBS}/events"), "brief", None).await;
    let last = events.next_event().await.expect("a last word");
    assert_eq!(last.event, "token_expired");
    assert_eq!(events.next().await, None);
    gateway.stop().await;
}

#[tokio::test]
async fn comments_keep_a_quiet_stream_open() {
    let gateway = TestGateway::start_with(&[("GATEWAY__SSE_KEEP_ALIVE", "50ms")]).await;
    let mut events = Events::open(&gateway, &format!("{JOBS}/events"), "alice", None).await;
    for _ in 0..3 {
        assert!(events.next().await.expect("a comment").comment);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_watch_with_it() {
    let gateway = TestGateway::start().await;
    let table = gateway.scheduler.table.clone();
    table.put(own_job(1, JobStatus::Replicating));
    let mut events = Events::open(&gateway, &of_job(1), "alice", None).await;
    events.next_event().await.expect("the job");
    assert_eq!(table.edit(|table| table.open_watches), 1);
    drop(events);
    until("the watch is dropped", || {
        table.edit(|table| table.open_watches) == 0
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_shutdown_ends_the_streams() {
    let gateway = TestGateway::start().await;
    gateway
        .scheduler
        .table
        .put(own_job(1, JobStatus::Replicating));
    let mut one = Events::open(&gateway, &of_job(1), "alice", None).await;
    let mut all = Events::open(&gateway, &format!("{JOBS}/events"), "alice", None).await;
    one.next_event().await.expect("the job");
    gateway.shutdown.cancel();
    assert_eq!(one.next().await, None);
    assert_eq!(all.next_event().await, None);
    gateway.stop().await;
}

#[tokio::test]
async fn a_stream_survives_the_loss_of_its_scheduler() {
    let mut gateway = TestGateway::start().await;
    let (table, address) = (gateway.scheduler.table.clone(), gateway.scheduler.address);
    table.put(own_job(1, JobStatus::Replicating));
    let mut one = Events::open(&gateway, &of_job(1), "alice", None).await;
    assert_eq!(one.next_status().await.as_deref(), Some("replicating"));
    let mut all = Events::open(&gateway, &format!("{JOBS}/events"), "alice", Some("0")).await;
    assert_eq!(all.next_status().await.as_deref(), Some("replicating"));

    gateway.scheduler.stop().await;
    table.set_status(&job_id(1), JobStatus::Replicated);
    let _back = FakeScheduler::start_with(table, address).await;
    assert_eq!(one.next_status().await.as_deref(), Some("replicated"));
    assert_eq!(one.next().await, None);
    assert_eq!(all.next_status().await.as_deref(), Some("replicated"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_stream_that_has_shown_nothing_yet_can_be_resumed_too() {
    let mut gateway = TestGateway::start().await;
    let (table, address) = (gateway.scheduler.table.clone(), gateway.scheduler.address);
    let all = format!("{JOBS}/events");
    table.put(own_job(1, JobStatus::ReplicateRequested));
    let mut events = Events::open(&gateway, &all, "alice", None).await;
    let position = events.next().await.expect("where it stands");
    assert_eq!((position.id.as_str(), position.data.as_str()), ("1", ""));

    gateway.scheduler.stop().await;
    table.set_status(&job_id(1), JobStatus::Replicating);
    let _back = FakeScheduler::start_with(table, address).await;
    assert_eq!(events.next_status().await.as_deref(), Some("replicating"));
    drop(events);
    let mut events = Events::open(&gateway, &all, "alice", Some(&position.id)).await;
    assert_eq!(events.next_status().await.as_deref(), Some("replicating"));
    gateway.stop().await;
}
