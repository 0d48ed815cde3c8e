//! Jobs that a caller was told may or may not exist: canceled in the background, so that nobody pays
//! for a copy that nobody counts on.
//!
//! Bounded in number, ends at shutdown; what it had to leave is in the log with the job's id.

use domain::JobId;
use jiff::Timestamp;
use service_kit::Backoff;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::metrics::Metrics;
use crate::scheduler_client::{SchedulerClient, SchedulerError, Viewer};
use crate::supervised::Supervised;

/// Jobs that wait for their turn, at most; with more, something else is wrong.
const WAITING: usize = 1024;
/// Jobs that are being canceled at once.
const AT_ONCE: usize = 32;
/// One cancel takes no longer.
const TRY: Duration = Duration::from_secs(10);
/// How long behind its request's deadline a create still counts: clocks differ.
const CREATE_SLACK: Duration = Duration::from_secs(30);
/// A create that was not found for this long, counted from the end of its request, does not arrive
/// any more: schedulers refuse it, with as much slack again for a gateway whose clock is wrong.
const MAY_STILL_ARRIVE: Duration = CREATE_SLACK.saturating_mul(2);

/// Until when a create counts whose request ends at `deadline`: its end, with some slack for clocks that differ.
pub(crate) fn not_after(now: Timestamp, deadline: Instant) -> Timestamp {
    let left = deadline.saturating_duration_since(Instant::now()) + CREATE_SLACK;
    now.checked_add(left).unwrap_or(Timestamp::MAX)
}

const SHUTDOWN: &str = "the gateway shuts down";

/// Takes over jobs of unknown fate. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct AbandonedCreates {
    queue: mpsc::Sender<Abandoned>,
    metrics: Metrics,
}

#[derive(Debug)]
struct Abandoned {
    id: JobId,
    viewer: Viewer,
    since: Instant,
}

impl AbandonedCreates {
    /// Starts the task that cancels what is handed over, until `shutdown`; a defect of it ends the
    /// gateway.
    pub(crate) fn start(
        scheduler: SchedulerClient,
        metrics: Metrics,
        shutdown: CancellationToken,
        tasks: &TaskTracker,
        ends_with_it: Supervised,
    ) -> Self {
        let (queue, abandoned) = mpsc::channel(WAITING);
        let until = shutdown.clone();
        let cancels = cancel_all(scheduler, abandoned, until)
            .instrument(tracing::info_span!(target: "background", "abandoned creates"));
        tasks.spawn(async move {
            let _ends_with_it = ends_with_it;
            cancels.await;
        });
        Self { queue, metrics }
    }

    /// Watches over a create: unless its answer is heard, also because the client goes away and the
    /// request with it, the job is handed over.
    pub(crate) fn unless_answered(&self, id: JobId, viewer: Viewer) -> Unanswered<'_> {
        Unanswered {
            id,
            viewer: Some(viewer),
            to: self,
        }
    }

    fn hand_over(&self, id: JobId, viewer: Viewer) {
        self.metrics.create_abandoned();
        let since = Instant::now();
        match self.queue.try_send(Abandoned { id, viewer, since }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => left_alone(id, "too many of them wait"),
            Err(TrySendError::Closed(_)) => left_alone(id, SHUTDOWN),
        }
    }
}

/// A create whose answer has not been heard; hands the job over when dropped.
#[derive(Debug)]
pub(crate) struct Unanswered<'a> {
    id: JobId,
    viewer: Option<Viewer>,
    to: &'a AbandonedCreates,
}

impl Unanswered<'_> {
    /// The answer is here: the job's fate is known.
    pub(crate) fn answered(mut self) {
        self.viewer = None;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(viewer) = self.viewer.take() {
            self.to.hand_over(self.id, viewer);
        }
    }
}

async fn cancel_all(
    scheduler: SchedulerClient,
    mut abandoned: mpsc::Receiver<Abandoned>,
    shutdown: CancellationToken,
) {
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(ended) = under_way.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "the cancel of a job of unknown fate failed");
                }
            }
            next = abandoned.recv(), if under_way.len() < AT_ONCE => {
                let Some(next) = next else { break };
                let (scheduler, shutdown) = (scheduler.clone(), shutdown.clone());
                under_way.spawn(
                    async move {
                        tokio::select! {
                            () = cancel(&scheduler, &next) => {}
                            () = shutdown.cancelled() => left_alone(next.id, SHUTDOWN),
                        }
                    }
                    .in_current_span(),
                );
            }
        }
    }
    // Not `join_all`, which passes a panic on: the others are to be seen through.
    while under_way.join_next().await.is_some() {}
    abandoned.close();
    while let Some(next) = abandoned.recv().await {
        left_alone(next.id, SHUTDOWN);
    }
}

/// Asks until the answer leaves no doubt.
async fn cancel(scheduler: &SchedulerClient, abandoned: &Abandoned) {
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30))
        .expect("a second is more than nothing and less than thirty");
    let mut failures = 0;
    loop {
        let answer = scheduler
            .cancel(&abandoned.viewer, abandoned.id, Instant::now() + TRY)
            .await;
        match answer {
            Ok(_) => {
                tracing::info!(job.id = %abandoned.id, "a job of unknown fate existed and is canceled");
                return;
            }
            Err(SchedulerError::TooLate(_)) => {
                tracing::info!(job.id = %abandoned.id, "a job of unknown fate has ended already");
                return;
            }
            Err(SchedulerError::NotFound) if abandoned.since.elapsed() > MAY_STILL_ARRIVE => {
                tracing::info!(job.id = %abandoned.id, "a job of unknown fate was never created");
                return;
            }
            Err(error) => tracing::debug!(job.id = %abandoned.id, %error, "not canceled yet"),
        }
        failures += 1;
        sleep(backoff.delay(failures)).await;
    }
}

fn left_alone(id: JobId, reason: &str) {
    tracing::warn!(job.id = %id, reason, "a job of unknown fate was not canceled and may run");
}
