//! One worker's stream about one attempt: reports in, directives out.
//!
//! Reports are merged while a write is due: a job is written at most twice a second, and each
//! directive says how many reports have been committed by then. A change made elsewhere (a cancel,
//! a takeover) wakes the stream; the heartbeat re-reads in case the notice was lost. When the store
//! is away the stream ends, and the worker goes on copying and comes again.

use std::time::Duration;

use domain::{Directive, JobId, ProgressReport};
use futures::{Stream, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::jobs::Jobs;
use crate::lifecycle;
use crate::status::CallError;
use crate::store::placement::running_lane;
use crate::store::{StoreError, Stored};
use crate::watch::ChangeFeed;

/// The shortest time between two writes of one job's progress.
const WRITE_EVERY: Duration = Duration::from_millis(500);

/// What goes back to the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) directive: Directive,
    pub(crate) reports_committed: u64,
    /// Copies between the regions of this one.
    pub(crate) copies_of_pair: Option<u32>,
}

/// Where answers go.
pub(crate) type Answers = mpsc::Sender<Result<Answer, Status>>;

/// Serves a stream until the worker ends it, the store fails or the scheduler shuts down.
pub(crate) async fn serve<S>(
    jobs: Jobs,
    feed: ChangeFeed,
    reports: S,
    answers: Answers,
    shutdown: CancellationToken,
) where
    S: Stream<Item = Result<ProgressReport, Status>> + Send + Unpin,
{
    let follow = follow(&jobs, &feed, reports, &answers);
    let ended = match shutdown.run_until_cancelled(follow).await {
        Some(ended) => ended,
        None => Err(CallError::ShuttingDown.into()),
    };
    if let Err(status) = ended {
        // The worker may be gone already, or not be reading: a drain does not wait for it.
        let _ = answers.try_send(Err(status));
    }
}

async fn follow<S>(
    jobs: &Jobs,
    feed: &ChangeFeed,
    mut reports: S,
    answers: &Answers,
) -> Result<(), Status>
where
    S: Stream<Item = Result<ProgressReport, Status>> + Send + Unpin,
{
    let Some(first) = reports.next().await else {
        return Ok(());
    };
    let first = first?;
    let changes = feed.of_job(first.job_id);
    let mut attempt = Attempt::new(jobs, first, changes);
    let mut heartbeat = interval(jobs.settings.heartbeat);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat.reset();
    loop {
        let answer = tokio::select! {
            // What is due comes first, however fast reports come in.
            biased;
            () = sleep_until(attempt.next_write), if attempt.pending.is_some() => {
                attempt.write().await?
            }
            changed = attempt.changes.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                attempt.look().await?
            }
            _ = heartbeat.tick() => Some(attempt.read().await?),
            report = reports.next() => match report {
                Some(report) => {
                    attempt.take(report?)?;
                    continue;
                }
                None => {
                    // What the worker said last still counts.
                    attempt.write().await?;
                    return Ok(());
                }
            },
        };
        if let Some(answer) = answer
            && answers.send(Ok(answer)).await.is_err()
        {
            return Ok(());
        }
    }
}

/// What the stream knows of its attempt.
struct Attempt<'a> {
    jobs: &'a Jobs,
    job: JobId,
    /// The last report, for directives between reports.
    last: ProgressReport,
    /// Reports that are not written yet, merged.
    pending: Option<ProgressReport>,
    received: u64,
    committed: u64,
    next_write: Instant,
    /// The record as this stream last saw it, which saves a read a write.
    known: Option<Stored>,
    changes: watch::Receiver<u64>,
}

// === impl Attempt ===

impl<'a> Attempt<'a> {
    fn new(jobs: &'a Jobs, first: ProgressReport, changes: watch::Receiver<u64>) -> Self {
        Self {
            jobs,
            job: first.job_id,
            last: first.clone(),
            pending: Some(first),
            received: 1,
            committed: 0,
            next_write: Instant::now(),
            known: None,
            changes,
        }
    }

    fn take(&mut self, mut report: ProgressReport) -> Result<(), CallError> {
        if (report.job_id, report.lease_token) != (self.job, self.last.lease_token) {
            let why = "one stream serves one attempt".to_owned();
            return Err(CallError::Invalid(why));
        }
        self.received += 1;
        if let Some(earlier) = self.pending.take() {
            report.image = report.image.or(earlier.image);
            for id in earlier.settled {
                if !report.settled.contains(&id) {
                    report.settled.push(id);
                }
            }
        }
        self.last = report.clone();
        self.pending = Some(report);
        Ok(())
    }

    /// Writes what is pending.
    async fn write(&mut self) -> Result<Option<Answer>, CallError> {
        let Some(report) = self.pending.clone() else {
            return Ok(None);
        };
        let directive = self.commit(&report).await?;
        self.pending = None;
        self.committed = self.received;
        self.next_write = Instant::now() + WRITE_EVERY;
        Ok(Some(self.answer(directive)))
    }

    /// Commits a report on the record as known; when that is not the newest any more, on that.
    async fn commit(&mut self, report: &ProgressReport) -> Result<Directive, CallError> {
        if let Some(known) = self.known.take() {
            let now = self.jobs.now();
            let rules = self.jobs.rules();
            if let (Some(next), directive) = lifecycle::report(&known.record, report, now, rules) {
                match self.jobs.commit(&known, &next, now).await {
                    Ok(stored) => {
                        self.known = Some(stored);
                        return Ok(directive);
                    }
                    Err(StoreError::Conflict) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let decided = self
            .jobs
            .decide::<_, CallError>(self.job, |record, now| {
                let (record, answer) = lifecycle::report(record, report, now, self.jobs.rules());
                Ok(crate::jobs::Decision { record, answer })
            })
            .await?;
        Ok(decided.map_or(Directive::Stop, |decided| {
            self.known = Some(decided.stored);
            decided.answer
        }))
    }

    /// Reads after a notice; an answer only when the worker is to do something else than go on.
    async fn look(&mut self) -> Result<Option<Answer>, CallError> {
        let noticed = *self.changes.borrow_and_update();
        if self
            .known
            .as_ref()
            .is_some_and(|known| known.version >= noticed)
        {
            // Our own write.
            return Ok(None);
        }
        let answer = self.read().await?;
        Ok((answer.directive != Directive::Continue).then_some(answer))
    }

    async fn read(&mut self) -> Result<Answer, CallError> {
        self.known = self.jobs.store.load(self.job).await?;
        let directive = self.known.as_ref().map_or(Directive::Stop, |known| {
            lifecycle::directive(&known.record, &self.last)
        });
        Ok(self.answer(directive))
    }

    fn copies_of_pair(&self) -> Option<u32> {
        let record = &self.known.as_ref()?.record;
        // A clean-up copies nothing.
        running_lane(record)?;
        self.jobs.pair_count.of(record.copy()?)
    }

    fn answer(&self, directive: Directive) -> Answer {
        Answer {
            directive,
            reports_committed: self.committed,
            copies_of_pair: self.copies_of_pair(),
        }
    }
}

#[cfg(test)]
mod tests;
