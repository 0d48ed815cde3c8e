//! A scheduler that is away, slow, full, or loses its answers.

use futures::join;
use proto::v1::JobStatus;
use service_kit::{Clock as _, SystemClock};

use crate::gateway::{JOBS, TestGateway, copy_request, job_id, refusal, until};
use crate::scheduler::{FakeScheduler, Trouble};

async fn start_with_short_deadline() -> TestGateway {
    TestGateway::start_with(&[("GATEWAY__REQUEST_DEADLINE", "2s")]).await
}

#[tokio::test]
async fn an_answer_that_got_lost_is_asked_for_again_with_the_same_id() {
    let gateway = TestGateway::start().await;
    for trouble in [Trouble::FailsBefore(2), Trouble::FailsAfter(2)] {
        gateway.scheduler.table.edit(|table| {
            table.trouble = trouble;
            table.jobs.clear();
        });
        let id = gateway.accepted_job().await;
        let jobs = gateway.scheduler.table.edit(|table| table.jobs.clone());
        assert_eq!((jobs.len(), &jobs[0].job_id), (1, &id), "{trouble:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_job_of_unknown_fate_is_named_and_canceled() {
    let gateway = start_with_short_deadline().await;
    gateway
        .scheduler
        .table
        .edit(|table| table.trouble = Trouble::Hangs);
    let response = gateway
        .copy("alice", &copy_request())
        .send()
        .await
        .expect("an answer");
    let (status, text) = refusal(response).await;
    let job = gateway.scheduler.table.edit(|table| table.jobs[0].clone());
    assert_eq!((status, text.contains(&job.job_id)), (503, true), "{text}");
    until("the job is canceled", || {
        gateway
            .scheduler
            .table
            .edit(|table| table.jobs[0].status() == JobStatus::CancelRequested)
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_create_counts_for_little_longer_than_its_request() {
    let gateway = start_with_short_deadline().await;
    let before = SystemClock.now().as_millisecond();
    gateway.accepted_job().await;
    let after = SystemClock.now().as_millisecond();
    let until = gateway
        .scheduler
        .table
        .edit(|table| table.not_after[0].expect("a time"));
    // The request's two seconds, and thirty for clocks that differ.
    assert!(until > before && until <= after + 32_000, "{until}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_scheduler_that_is_away_is_a_503_and_nothing_else() {
    let mut gateway = start_with_short_deadline().await;
    let (table, address) = (gateway.scheduler.table.clone(), gateway.scheduler.address);
    let id = gateway.accepted_job().await;
    gateway.scheduler.stop().await;
    let copy = async {
        let response = gateway.copy("alice", &copy_request()).send().await;
        response.expect("an answer")
    };
    let (job, all) = (format!("{JOBS}/{id}"), format!("{JOBS}/events"));
    let (a, b, c, d, e) = join!(
        copy,
        gateway.get(JOBS, "alice"),
        gateway.get(&job, "alice"),
        gateway.delete(&job, "alice"),
        gateway.get(&all, "alice"),
    );
    for response in [a, b, c, d, e] {
        let (status, text) = refusal(response).await;
        assert_eq!((status, text.contains("may exist")), (503, false), "{text}");
    }
    let _back = FakeScheduler::start_with(table, address).await;
    assert_eq!(
        gateway.get(&format!("{JOBS}/{id}"), "alice").await.status(),
        200
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_full_queue_is_a_429_with_the_schedulers_words() {
    let gateway = TestGateway::start().await;
    gateway
        .scheduler
        .table
        .edit(|table| table.trouble = Trouble::QueueIsFull);
    let response = gateway
        .copy("alice", &copy_request())
        .send()
        .await
        .expect("an answer");
    let (status, text) = refusal(response).await;
    assert_eq!(
        (status, text.contains("the limit is 10000")),
        (429, true),
        "{text}"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_tenant_that_asks_too_often_is_slowed_down() {
    let limits = [
        ("GATEWAY__REQUESTS_PER_SECOND", "1"),
        ("GATEWAY__REQUEST_BURST", "3"),
    ];
    let gateway = TestGateway::start_with(&limits).await;
    for _ in 0..3 {
        assert_eq!(gateway.get(JOBS, "alice").await.status(), 200);
    }
    let (status, _) = refusal(gateway.get(JOBS, "alice").await).await;
    assert_eq!(status, 429);
    assert_eq!(gateway.get(JOBS, "bob").await.status(), 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_running_request_ends_before_the_gateway_does() {
    let gateway = start_with_short_deadline().await;
    gateway
        .scheduler
        .table
        .edit(|table| table.trouble = Trouble::FailsBefore(3));
    let copy = gateway.copy("alice", &copy_request()).send();
    let shutdown = async {
        until("the request has reached the scheduler", || {
            gateway
                .scheduler
                .table
                .edit(|table| !table.timeouts.is_empty())
        })
        .await;
        gateway.shutdown.cancel();
    };
    let (response, ()) = join!(copy, shutdown);
    let id = job_id(response.expect("an answer")).await;
    assert_eq!(
        gateway
            .scheduler
            .table
            .edit(|table| table.jobs[0].job_id.clone()),
        id
    );
    gateway.stop().await;
}

/// Fronts send callers until they have noticed that readiness is gone.
#[tokio::test]
async fn callers_that_come_before_fronts_have_noticed_the_end_are_answered() {
    let gateway = TestGateway::start_with(&[
        ("GATEWAY__DRAIN_DELAY", "1h"),
        ("GATEWAY__TERMINATION_GRACE_PERIOD", "2h"),
    ])
    .await;
    let closes = |response: &reqwest::Response| {
        let connection = response.headers().get("connection");
        connection.is_some_and(|value| value == "close")
    };
    let before = gateway.get(JOBS, "alice").await;
    assert!(before.status() == 200 && !closes(&before));
    gateway.shutdown.cancel();
    // The connection that the client has kept, and new ones: none is good for another request.
    for _ in 0..3 {
        let during = gateway.get(JOBS, "alice").await;
        assert!(during.status() == 200 && closes(&during), "{during:?}");
    }
    let accepted = gateway.accepted_job().await;
    let shown = gateway.get(&format!("{JOBS}/{accepted}"), "alice").await;
    assert_eq!(shown.status(), 200);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_job_of_unknown_fate() {
    let gateway = TestGateway::start().await;
    gateway
        .scheduler
        .table
        .edit(|table| table.trouble = Trouble::Hangs);
    let copy = gateway.copy("alice", &copy_request());
    let impatient = copy.timeout(std::time::Duration::from_secs(1)).send().await;
    assert!(impatient.is_err_and(|error| error.is_timeout()));
    until("the job is canceled", || {
        gateway.scheduler.table.edit(|table| {
            table
                .jobs
                .first()
                .is_some_and(|job| job.status() == JobStatus::CancelRequested)
        })
    })
    .await;
    gateway.stop().await;
}
