//! One unit from grant to end: the work beside its heartbeat, then the report of how it ended.
//!
//! Invariant: whatever the work or its heartbeat does, panics included, its end is reported unless another attempt has
//! taken over; and the heartbeat goes on until that report is answered, so that nobody takes over
//! from a unit that is only waiting for the scheduler.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use copy_engine::{Ended, Failure};
use domain::{CopySpec, ErrorCode, FinishVerdict, JobError, Outcome, ReplicaFate};
use futures::FutureExt;
use service_kit::telemetry::trace_context;
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;
use tracing::field::Empty;
use tracing::{Instrument, Span, error, info, info_span, warn};

use crate::attempt::Attempt;
use crate::claim::Claimed;
use crate::finish::report_end;
use crate::heartbeat::Heartbeat;
use crate::metrics::End;
use crate::unit_end::UnitEnd;
use crate::units;
use crate::workshop::Workshop;

/// Does a granted unit, in the trace of what the job came from: below the message that brought it here, if that is of the
/// same trace.
pub(crate) async fn run(workshop: &Arc<Workshop>, claimed: Claimed) {
    let grant = &claimed.grant;
    let span = info_span!(
        parent: &claimed.span,
        "attempt",
        job.id = %grant.job_id,
        job.attempt = grant.attempt,
        unit.kind = grant.unit.kind().as_str(),
        source.region = %grant.unit.source_region(),
        destination.region = %grant.unit.region(),
        otel.status_code = Empty,
        error.r#type = Empty,
    );
    if let Some(traceparent) = grant.unit.traceparent() {
        trace_context::stay_in_trace(&span, &claimed.span, traceparent);
    }
    run_attempt(workshop, Arc::new(Attempt::new(claimed)))
        .instrument(span)
        .await;
}

async fn run_attempt(workshop: &Arc<Workshop>, attempt: Arc<Attempt>) {
    let kind = attempt.grant.unit.kind();
    let _running = workshop.metrics.unit_starts(kind);
    let heartbeat = Heartbeat::new(workshop, attempt.clone());
    // A task of its own: work that keeps a thread busy (hashing) must not cost the lease.
    let mut beating = AbortOnDropHandle::new(tokio::spawn(heartbeat.run().in_current_span()));
    let ended = work(workshop, &attempt, &mut beating).await;
    let end = tell(workshop, &attempt, ended).await;
    workshop.metrics.unit_ended(kind, end);
}

/// Does the work; hands it back when the worker has no time left, and gives it up when nothing renews
/// its lease any more.
async fn work(
    workshop: &Workshop,
    attempt: &Attempt,
    beating: &mut AbortOnDropHandle<()>,
) -> UnitEnd {
    let unit = AssertUnwindSafe(units::work(workshop, attempt)).catch_unwind();
    tokio::pin!(unit);
    let ended = tokio::select! {
        biased;
        ended = &mut unit => ended,
        () = workshop.hand_back.cancelled() => {
            attempt.hand_back();
            unit.await
        }
        failure = heart_failure(beating) => {
            // Without renewals no write is safe: what is left is the next attempt's to settle.
            attempt.signals.stop.cancel();
            unit.await.map(|ended| match ended {
                UnitEnd::Stopped => UnitEnd::Failed(failure),
                ended => ended,
            })
        }
    };
    ended.unwrap_or_else(|panic| UnitEnd::Failed(panicked(panic.as_ref())))
}

/// Waits for a heartbeat that panics. One that ends by itself has stopped the unit as well.
async fn heart_failure(beating: &mut AbortOnDropHandle<()>) -> Failure {
    match beating.await.map_err(JoinError::try_into_panic) {
        Err(Ok(panic)) => panicked(panic.as_ref()),
        Ok(()) | Err(Err(_)) => std::future::pending().await,
    }
}

/// Reports the end and does what the answer asks for. Returns what became of the unit.
async fn tell(workshop: &Workshop, attempt: &Attempt, ended: UnitEnd) -> End {
    let Some(mut outcome) = attempt.outcome(ended) else {
        info!("another attempt has taken over; nothing is touched any more");
        return End::Superseded;
    };
    loop {
        log_end(&outcome);
        if let Outcome::Failed { error, .. } = &outcome {
            let kind = attempt.grant.unit.kind();
            workshop.metrics.unit_failed(kind, error.code);
        }
        let end = End::from(&outcome);
        match report_end(workshop, &attempt.finish(outcome.clone())).await {
            Some(FinishVerdict::Committed) => return end,
            Some(FinishVerdict::Superseded) => return End::Superseded,
            Some(FinishVerdict::Discard) => {
                return match attempt.grant.unit.copy() {
                    Some(spec) => discard(workshop, attempt, spec).await,
                    // Said of copies only; an errand has made nothing.
                    None => End::Discarded,
                };
            }
            Some(FinishVerdict::LookAgain) => match (attempt.grant.unit.copy(), &outcome) {
                (Some(spec), Outcome::Reused { image }) => {
                    outcome = units::look_again(workshop, attempt, spec, *image).await;
                }
                // Said of nothing else.
                _ => return End::Unreported,
            },
            None => return End::Unreported,
        }
    }
}

/// The job was canceled before its end was heard of: the image goes.
async fn discard(workshop: &Workshop, attempt: &Attempt, spec: &CopySpec) -> End {
    info!("the job was canceled meanwhile; what was copied is removed");
    match units::discard(workshop, attempt, spec).await {
        Ended::Stopped => End::Superseded,
        Ended::Cleaned
        | Ended::HandedBack
        | Ended::Failed(_)
        | Ended::Replicated { .. }
        | Ended::Reused { .. } => {
            match report_end(workshop, &attempt.finish(Outcome::Cleaned)).await {
                Some(_) => End::Discarded,
                None => End::Unreported,
            }
        }
    }
}

fn log_end(outcome: &Outcome) {
    match outcome {
        Outcome::Replicated { image } => info!(image.id = %image, "the image is replicated"),
        Outcome::Reused { image } => {
            info!(image.id = %image, "an identical image stands for the copy")
        }
        Outcome::Resolved { images } => info!(images = images.len(), "the fire is resolved"),
        Outcome::Removed(ReplicaFate::Gone) => info!("the image is gone"),
        Outcome::Removed(ReplicaFate::Kept(why)) => info!(reason = why, "the image stays"),
        Outcome::OrphansFound(found) => info!(images = found.orphans.len(), "orphans are found"),
        Outcome::Failed { error, transient } => {
            let span = Span::current();
            span.record("otel.status_code", "ERROR");
            span.record("error.type", error.code.as_str());
            warn!(
                error.code = %error.code,
                error.message = error.message,
                error.transient = transient,
                "the attempt failed"
            );
        }
        Outcome::Cleaned => info!("the destination is cleaned"),
        Outcome::HandedBack => info!("the unit is handed back"),
    }
}

/// A fault of this program; what it was is for the log, not for the caller.
fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text");
    error!(panic.text = text, "a unit panicked");
    Failure {
        error: JobError::new(ErrorCode::Internal, "the worker failed internally"),
        transient: true,
    }
}

#[cfg(test)]
mod tests;
