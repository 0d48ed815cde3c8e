//! Follows one job until it has ended: by the gateway's events, and by asking again and again where there are none.

use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep};

use crate::failure::{Exit, Failure};
use crate::gateway::{Gateway, JobState};

/// How often it is asked without events.
const PAUSE: Duration = Duration::from_secs(2);
/// How long the service may be away before following is given up; the copy goes on.
const LONGEST_OUTAGE: Duration = Duration::from_secs(300);

/// Sends every state of the job that becomes known, the final one last.
pub(crate) async fn follow(
    gateway: &Gateway,
    job: &str,
    states: &Sender<JobState>,
) -> Result<(), Failure> {
    let mut last_answer = Instant::now();
    loop {
        if let Ok(mut events) = gateway.events(job).await {
            while let Some(state) = events.next().await {
                last_answer = Instant::now();
                if tell(states, state).await {
                    return Ok(());
                }
            }
        }
        // The stream was refused, or has ended before the job: by a token that expired, a gateway that was restarted.
        match gateway.job(job).await {
            Ok(document) => {
                last_answer = Instant::now();
                let state = serde_json::from_value(document);
                let state = state.map_err(|_| {
                    Failure::new(Exit::Failed, "the service's answer is no copy job")
                })?;
                if tell(states, state).await {
                    return Ok(());
                }
            }
            Err(failure) if failure.is_outage() && last_answer.elapsed() < LONGEST_OUTAGE => {}
            Err(failure) => return Err(failure),
        }
        sleep(PAUSE).await;
    }
}

/// Whether nothing more is to be told.
async fn tell(states: &Sender<JobState>, state: JobState) -> bool {
    let is_final = state.is_final();
    states.send(state).await.is_err() || is_final
}
