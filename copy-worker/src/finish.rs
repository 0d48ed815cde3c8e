//! Reports the end of a unit, for as long as it takes: the work of hours is not lost to a restart of
//! the scheduler. Harmless to repeat, because the lease token says which attempt it was.

use domain::{Finish, FinishVerdict};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{error, info, warn};

use crate::claim::retry_delays;
use crate::workshop::Workshop;

/// The scheduler's verdict. None when there was none within the patience, or never will be: then
/// nothing is touched, for nobody knows what became of the job.
pub(crate) async fn report_end(workshop: &Workshop, finish: &Finish) -> Option<FinishVerdict> {
    let deadline = Instant::now() + workshop.finish_patience;
    timeout_at(deadline, until_answered(workshop, finish))
        .await
        .unwrap_or_else(|_| {
            error!(
                patience.seconds = workshop.finish_patience.as_secs(),
                "the end of a unit could not be reported"
            );
            None
        })
}

async fn until_answered(workshop: &Workshop, finish: &Finish) -> Option<FinishVerdict> {
    let delays = retry_delays();
    let mut failures = 0;
    loop {
        match workshop.scheduler.finish(finish).await {
            Ok(verdict) => {
                if failures > 0 {
                    info!(
                        finish.failures = failures,
                        "the end of a unit is reported at last"
                    );
                }
                return Some(verdict);
            }
            Err(error) if error.may_pass() => {
                if failures == 0 {
                    warn!(error.message = %error, "the end of a unit is not reported yet");
                }
                failures += 1;
                sleep(delays.delay(failures)).await;
            }
            Err(error) => {
                error!(error.message = %error, "the end of a unit is not accepted");
                return None;
            }
        }
    }
}
