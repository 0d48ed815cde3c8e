//! Asking for work. A claim keeps its id until it is answered, so that a grant whose answer was lost
//! on the way is handed out again and not forgotten until its lease ends. An answer that this version
//! does not understand ends the claim: under its id the same answer would come for ever, and the
//! scheduler would take each repetition for a sign of life.

use std::time::Duration;

use domain::{ClaimId, Grant, JobId, RegionId, WorkerId};
use service_kit::Backoff;
use tokio::time::{Instant, sleep};
use tracing::{Span, debug};

use crate::scheduler_client::{ClaimCall, SchedulerClient, SchedulerError};

/// A grant with the moment from which its lease counts.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) grant: Grant,
    /// Before the claim was first sent: whichever try it was that the scheduler answered.
    pub(crate) asked_at: Instant,
    /// What asked for it, in a trace.
    pub(crate) span: Span,
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

    /// Asks once. After an answer that is not understood, the next try is another claim.
    pub(crate) async fn ask(
        &mut self,
        scheduler: &SchedulerClient,
    ) -> Result<Option<Claimed>, SchedulerError> {
        match scheduler.claim(&self.call).await {
            Ok(grant) => Ok(grant.map(|grant| Claimed {
                grant,
                asked_at: self.asked_at,
                span: Span::current(),
            })),
            Err(error) => {
                if let SchedulerError::Malformed(_) = error {
                    let ClaimCall { region, worker, .. } = self.call.clone();
                    *self = Self::new(region, worker, None);
                }
                Err(error)
            }
        }
    }

    /// Asks again after a failed try, and again until there is an answer. A refusal is no answer
    /// either: a scheduler of another version may be the next to be asked.
    pub(crate) async fn keep_asking(mut self, scheduler: SchedulerClient) -> Option<Claimed> {
        let delays = retry_delays();
        let mut failures = 0;
        loop {
            failures += 1;
            sleep(delays.delay(failures)).await;
            match self.ask(&scheduler).await {
                Ok(answer) => return answer,
                Err(error) => debug!(error.message = %error, "still no answer to a claim"),
            }
        }
    }
}

/// How long to wait between tries while the scheduler is away. A scheduler that is back has its
/// workers back within a few seconds.
pub(crate) fn retry_delays() -> Backoff {
    Backoff::new(Duration::from_millis(200), Duration::from_secs(5))
        .expect("200 ms is more than nothing and less than five seconds")
}
