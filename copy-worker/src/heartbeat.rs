//! Keeps a unit's lease and hears what the scheduler wants of it: one bidirectional stream.
//!
//! A report goes out every period and whenever a step changes; each answer says how many reports are
//! committed (which renews the lease from when the last of them was sent) and what to do. A stream
//! that ends or falls silent is opened again, for ever, with whichever scheduler is reachable.
//! Reports are never queued up: one that cannot be sent now is replaced by the next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use copy_engine::Copying;
use domain::{Directive, Unit};
use proto::v1;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tracing::{debug, warn};

use crate::attempt::Attempt;
use crate::claim::retry_delays;
use crate::metrics::BytesMeter;
use crate::scheduler_client::{SchedulerClient, SchedulerError};
use crate::workshop::Workshop;

/// A scheduler that says nothing for a sixth of the lease, within these bounds, is given up for
/// another: not in the middle of a short pause of either side, and early enough that a frozen one costs
/// no healthy lease.
const SHORTEST_SILENCE: Duration = Duration::from_secs(2);
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// The heartbeat of one unit.
pub(crate) struct Heartbeat {
    scheduler: SchedulerClient,
    attempt: Arc<Attempt>,
    report_every: Duration,
    bytes: BytesMeter,
    /// What a copy has of its regions' bandwidth, for as long as it beats.
    copying: Option<Copying>,
}

/// Why a stream came to its end.
#[derive(Debug, thiserror::Error)]
enum StreamEnd {
    #[error("another attempt has taken over")]
    Superseded,
    #[error("the scheduler ended the stream")]
    Closed,
    #[error("the scheduler said nothing for {0:?}")]
    Silence(Duration),
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
}

impl Heartbeat {
    pub(crate) fn new(workshop: &Workshop, attempt: Arc<Attempt>) -> Self {
        let bandwidth = &workshop.engine.bandwidth;
        let copying = match &attempt.grant.unit {
            Unit::Copy(spec) => {
                Some(bandwidth.begin(&spec.source.region, &spec.destination.region))
            }
            _ => None,
        };
        let unit = &attempt.grant.unit;
        let bytes = workshop
            .metrics
            .bytes_meter(unit.source_region(), unit.region());
        Self {
            copying,
            scheduler: workshop.scheduler.clone(),
            attempt,
            report_every: workshop.report_every,
            bytes,
        }
    }

    /// Beats until another attempt has taken over; who has done the work drops it.
    pub(crate) async fn run(mut self) {
        let delays = retry_delays();
        let mut failures = 0;
        loop {
            let mut answers = 0;
            match self.beat(&mut answers).await {
                StreamEnd::Superseded => return,
                // Once an outage: every unit would say it every few seconds.
                end if failures == 0 || answers > 0 => {
                    warn!(error.message = %end, "a progress stream broke");
                }
                end => debug!(error.message = %end, "a progress stream broke again"),
            }
            failures = if answers > 0 { 1 } else { failures + 1 };
            sleep(delays.delay(failures)).await;
        }
    }

    /// One stream, from its opening to its end; counts the answers that it brought.
    async fn beat(&mut self, answers: &mut u64) -> StreamEnd {
        let (sender, receiver) = mpsc::channel(1);
        let mut reports = Reports::new(sender);
        let mut steps = self.attempt.progress.subscribe();
        // Before the stream is open: a server may wait for a report before it answers at all.
        self.report(&mut reports);
        let opened = self
            .scheduler
            .report_progress(ReceiverStream::new(receiver))
            .await;
        let mut directives = match opened {
            Ok(directives) => directives,
            Err(error) => return error.into(),
        };
        let mut period = interval(self.report_every);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let patience = patience(self.attempt.lease.length(), self.report_every);
        let mut silent_until = Instant::now() + patience;
        loop {
            tokio::select! {
                // An answer that has come counts before the silence that it ends.
                biased;
                answer = next(&mut directives) => {
                    let answer = match answer {
                        Ok(answer) => answer,
                        Err(end) => return end,
                    };
                    *answers += 1;
                    silent_until = Instant::now() + patience;
                    if self.hear(&answer, &mut reports) == Directive::Stop {
                        return StreamEnd::Superseded;
                    }
                }
                // The progress outlives the heartbeat, so this arm is never closed.
                Ok(()) = steps.changed() => self.report(&mut reports),
                _ = period.tick() => self.report(&mut reports),
                () = sleep_until(silent_until) => return StreamEnd::Silence(patience),
            }
        }
    }

    fn report(&mut self, reports: &mut Reports) {
        let report = self.attempt.report();
        self.bytes.observe(report.bytes_copied);
        reports.send((&report).into());
    }

    /// Renews the lease, follows the directive and shares the line.
    fn hear(&self, answer: &v1::ProgressDirective, reports: &mut Reports) -> Directive {
        if let Some(sent_at) = reports.committed(answer.reports_committed) {
            self.attempt.lease.renew(sent_at);
        }
        if let (Some(copying), Some(copies)) = (&self.copying, answer.copies_of_pair)
            && let Some(part) = copying.told(copies)
        {
            debug!(
                copies,
                bytes_per_second = part,
                "this worker has another part of what its regions may have"
            );
        }
        let directive = match Directive::try_from(answer.directive()) {
            Ok(directive) => directive,
            Err(error) => {
                debug!(error.message = %error, "a directive is not understood; the unit goes on");
                Directive::Continue
            }
        };
        self.attempt.follow(directive);
        directive
    }
}

/// Each report is answered, so silence is counted in reports when they are rare.
fn patience(lease: Duration, report_every: Duration) -> Duration {
    (lease / 6)
        .clamp(SHORTEST_SILENCE, LONGEST_SILENCE)
        .max(report_every * 2)
}

async fn next(
    directives: &mut Streaming<v1::ProgressDirective>,
) -> Result<v1::ProgressDirective, StreamEnd> {
    match directives.message().await {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(StreamEnd::Closed),
        Err(status) => Err(SchedulerError::from(status).into()),
    }
}

/// The reports of one stream: remembers when each was sent until it is committed.
struct Reports {
    sender: mpsc::Sender<v1::ProgressReport>,
    /// Of the reports that are not committed yet, oldest first.
    sent_at: VecDeque<Instant>,
    committed: u64,
}

impl Reports {
    fn new(sender: mpsc::Sender<v1::ProgressReport>) -> Self {
        Self {
            sender,
            sent_at: VecDeque::new(),
            committed: 0,
        }
    }

    /// Sends a report, unless the one before it is still waiting.
    fn send(&mut self, report: v1::ProgressReport) {
        // Taken before sending, so that the lease here ends before the scheduler's.
        let now = Instant::now();
        if self.sender.try_send(report).is_ok() {
            self.sent_at.push_back(now);
        }
    }

    /// When the last of the reports that are committed now was sent, if any is new. A count beyond
    /// what was sent is taken for what was sent.
    fn committed(&mut self, count: u64) -> Option<Instant> {
        let mut last = None;
        while self.committed < count {
            let Some(sent_at) = self.sent_at.pop_front() else {
                break;
            };
            self.committed += 1;
            last = Some(sent_at);
        }
        last
    }
}

#[cfg(test)]
mod tests;
