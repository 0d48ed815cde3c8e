//! Asking for work. A claim keeps its id until it is answered, so that a grant whose answer was lost
//! on the way is handed out again and not forgotten until its lease ends.

use std::time::Duration;

use domain::{ClaimId, Grant, JobId, RegionId, WorkerId};
use service_kit::Backoff;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::scheduler_client::{ClaimCall, SchedulerClient, SchedulerError};

/// A grant with the moment from which its lease counts.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) grant: Grant,
    /// Before the claim was first sent: whichever try it was that the scheduler answered.
    pub(crate) asked_at: Instant,
}

/// One request for work, however often it has to be sent.
#[derive(Debug)]
pub(crate) struct Claim {
    call: ClaimCall,
    asked_at: Instant,
}

impl Claim {
    pub(crate) fn new(region: RegionId, worker: WorkerId, hint: Option<JobId>) -> Self {
        Self {
            call: ClaimCall {
                region,
                id: ClaimId::generate(),
                hint,
                worker,
            },
            asked_at: Instant::now(),
        }
    }

    /// Asks once.
    pub(crate) async fn ask(
        &self,
        scheduler: &SchedulerClient,
    ) -> Result<Option<Claimed>, SchedulerError> {
        let grant = scheduler.claim(&self.call).await?;
        Ok(grant.map(|grant| Claimed {
            grant,
            asked_at: self.asked_at,
        }))
    }

    /// Asks after a failed try, again and again until there is an answer or `stop` is cancelled.
    ///
    /// # Errors
    /// [`SchedulerError::Refused`] or [`SchedulerError::Malformed`], which would come every time, and the last error when stopped.
    pub(crate) async fn keep_asking(
        &self,
        scheduler: &SchedulerClient,
        mut error: SchedulerError,
        stop: &CancellationToken,
    ) -> Result<Option<Claimed>, SchedulerError> {
        let delays = retry_delays();
        let mut failures = 0;
        while error.may_pass() {
            failures += 1;
            let pause = sleep(delays.delay(failures));
            if stop.run_until_cancelled(pause).await.is_none() {
                break;
            }
            match self.ask(scheduler).await {
                Ok(answer) => return Ok(answer),
                Err(next) => error = next,
            }
        }
        Err(error)
    }
}

/// How long to wait between tries while the scheduler is away. A scheduler that is back has its
/// workers back within a few seconds.
pub(crate) fn retry_delays() -> Backoff {
    Backoff::new(Duration::from_millis(200), Duration::from_secs(5))
        .expect("200 ms is more than nothing and less than five seconds")
}
