//! Watching jobs: a stream of changes that survives the loss of the scheduler it came from.

use domain::{JobId, JobView};
use futures::StreamExt;
use futures::stream::BoxStream;
use proto::v1;
use service_kit::Backoff;
use tokio::time::{Duration, Instant, sleep, timeout};

use super::{SchedulerClient, SchedulerError, Viewer};

/// Opening a stream takes no longer.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);

/// A job after a change, or where the stream stands before the first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The job as it is now; none: nothing has changed.
    pub job: Option<JobView>,
    /// Grows with every change that the viewer can see.
    pub sequence: u64,
}

/// The changes of one job, or of all jobs of a viewer. Dropping it ends the stream upstream.
pub(crate) struct Changes {
    scheduler: SchedulerClient,
    viewer: Viewer,
    job: Option<JobId>,
    /// Where to go on after the stream was lost.
    after: Option<u64>,
    stream: Option<BoxStream<'static, Result<Change, SchedulerError>>>,
    backoff: Backoff,
}

impl SchedulerClient {
    /// Watches one job: its current state at once, then every change.
    ///
    /// # Errors
    /// [`SchedulerError::NotFound`] when it is not there or not the viewer's.
    pub(crate) async fn watch_job(
        &self,
        viewer: Viewer,
        job: JobId,
        deadline: Instant,
    ) -> Result<Changes, SchedulerError> {
        // Asked for first: whether a stream opens says nothing about the job.
        self.job(&viewer, job, deadline).await?;
        Ok(Changes::new(self.clone(), viewer, Some(job), None))
    }

    /// Watches all jobs of a viewer: what has changed after the sequence `after`, else only what
    /// changes from now on.
    ///
    /// # Errors
    /// When no stream can be opened.
    pub(crate) async fn watch_all(
        &self,
        viewer: Viewer,
        after: Option<u64>,
    ) -> Result<Changes, SchedulerError> {
        let mut changes = Changes::new(self.clone(), viewer, None, after);
        changes.open().await?;
        Ok(changes)
    }
}

impl Changes {
    fn new(
        scheduler: SchedulerClient,
        viewer: Viewer,
        job: Option<JobId>,
        after: Option<u64>,
    ) -> Self {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5))
            .expect("100 ms is more than nothing and less than five seconds");
        Self {
            scheduler,
            viewer,
            job,
            after,
            stream: None,
            backoff,
        }
    }

    /// The next change; waits for as long as it takes, over any number of lost streams. None when
    /// going on makes no sense: the job is gone, or changes may have been missed.
    pub(crate) async fn next(&mut self) -> Option<Change> {
        let mut failures = 0;
        loop {
            if let Some(stream) = &mut self.stream {
                match stream.next().await {
                    Some(Ok(change)) => {
                        self.after = Some(change.sequence);
                        return Some(change);
                    }
                    Some(Err(error)) if is_final(&error) => return None,
                    Some(Err(_)) | None => {}
                }
                self.stream = None;
                // Without a sequence to go on from, a change could have been lost unseen. One job's
                // state is sent again anyway.
                if self.job.is_none() && self.after.is_none() {
                    return None;
                }
            }
            if failures > 0 {
                sleep(self.backoff.delay(failures)).await;
            }
            failures += 1;
            match self.open().await {
                Ok(()) => {}
                Err(error) if is_final(&error) => return None,
                Err(error) => tracing::debug!(%error, "a watch could not be opened"),
            }
        }
    }

    async fn open(&mut self) -> Result<(), SchedulerError> {
        let message = v1::WatchJobsRequest {
            viewer: Some((&self.viewer).into()),
            job_id: self.job.map(|id| id.to_string()),
            after_sequence: self.after.filter(|_| self.job.is_none()),
        };
        let mut rpc = self.scheduler.rpc.clone();
        let stream = timeout(OPEN_TIMEOUT, rpc.watch_jobs(message))
            .await
            .map_err(|_| SchedulerError::TimedOut)??
            .into_inner();
        let changes = stream.map(|item| {
            let change: v1::JobChange = item?;
            Ok(Change {
                job: change.job.map(TryInto::try_into).transpose()?,
                sequence: change.sequence,
            })
        });
        self.stream = Some(changes.boxed());
        Ok(())
    }
}

/// Whether asking again would get the same answer.
fn is_final(error: &SchedulerError) -> bool {
    match error {
        SchedulerError::NotFound
        | SchedulerError::TooLate(_)
        | SchedulerError::GivenUp
        | SchedulerError::Taken
        | SchedulerError::Invalid(_)
        | SchedulerError::Defect(_) => true,
        SchedulerError::LimitReached(_)
        | SchedulerError::Full
        | SchedulerError::NotConnected
        | SchedulerError::Unavailable(_)
        | SchedulerError::TimedOut => false,
    }
}
