//! Does what time demands: ends backoffs, expires leases, keeps deadlines, removes old jobs.
//!
//! Load, plan, execute; at a nudge or at each tick, without memory. Any number of schedulers do it
//! side by side: each step is committed by version, and whoever loses finds it done.

use std::time::Duration;

use domain::JobId;
use tokio_util::sync::CancellationToken;

use crate::jobs::Jobs;
use crate::planner::{Moment, STEPPED, Step, horizon, step};
use crate::quarantine;
use crate::reuse;
use crate::store::{Due, Place, StoreError, Stored};
use crate::watch::ChangeFeed;

/// Jobs that are looked at in one go.
const BATCH: usize = 100;
/// Batches of one kind in one tick, so that no kind keeps the others waiting.
const BATCHES: usize = 10;
/// How often lanes are put in their place, so that changed limits take effect everywhere.
const RESEAT_EVERY: Duration = Duration::from_secs(60);

/// Runs until shutdown.
pub async fn run(jobs: Jobs, feed: ChangeFeed, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(jobs.settings.reconcile_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut reseated: Option<tokio::time::Instant> = None;
    let mut away = false;
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let mut ended = tick(&jobs).await;
        if ended.is_ok() && reseated.is_none_or(|at| at.elapsed() >= RESEAT_EVERY) {
            ended = reseat(&jobs).await;
            feed.sweep();
            reseated = Some(tokio::time::Instant::now());
        }
        match &ended {
            Ok(()) if away => tracing::info!("the store is back"),
            Ok(()) => {}
            Err(error) if !away => tracing::warn!(error = %error, "cannot reconcile for now"),
            Err(_) => {}
        }
        away = ended.is_err();
    }
}

/// Everything that is due now, within bounds.
///
/// # Errors
/// The store's.
pub async fn tick(jobs: &Jobs) -> Result<(), StoreError> {
    let now = jobs.now();
    let serving_since = jobs
        .store
        .mark_serving(now, jobs.settings.serving_gap)
        .await?;
    let moment = Moment { now, serving_since };
    quarantine::look_again(jobs, now).await?;
    for what in STEPPED {
        for _ in 0..BATCHES {
            if reconcile(jobs, what, moment).await? < BATCH {
                break;
            }
        }
    }
    Ok(())
}

/// One batch; says how many were looked at.
async fn reconcile(jobs: &Jobs, what: Due, moment: Moment) -> Result<usize, StoreError> {
    let Some(horizon) = horizon(what, moment, jobs.rules()) else {
        return Ok(0);
    };
    let due = jobs.store.due(what, horizon, BATCH).await?;
    let found = jobs.store.load_many(&due).await?;
    let is_found = |id: &JobId| found.iter().any(|stored| stored.record.id == *id);
    for id in due.iter().filter(|id| !is_found(id)) {
        quarantine::set_aside(jobs, *id, &Place::Due(what)).await?;
    }
    for stored in found {
        let record = &stored.record;
        let Some(step) = step(what, record, moment, Jobs::jitter(), jobs.rules()) else {
            continue;
        };
        let done = match &step {
            Step::Replace(next) => {
                if what == Due::Lease {
                    let worker = record.lease.as_ref().map(|lease| lease.worker.as_str());
                    tracing::warn!(job.id = %record.id, worker.id = worker, "a lease ran out");
                }
                jobs.commit(&stored, next, moment.now).await.map(drop)
            }
            Step::Remove => remove(jobs, &stored, moment).await,
        };
        match done {
            // Another scheduler, or the worker itself, was faster.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(due.len())
}

/// Forgets a job that ended long ago.
async fn remove(jobs: &Jobs, stored: &Stored, moment: Moment) -> Result<(), StoreError> {
    reuse::let_go(jobs, &stored.record).await?;
    jobs.store.remove(stored, moment.now).await
}

/// Puts all lanes in their place, and counts.
///
/// # Errors
/// The store's.
pub async fn reseat(jobs: &Jobs) -> Result<(), StoreError> {
    for region in &jobs.settings.shape.regions {
        jobs.store.reseat(region, jobs.now()).await?;
    }
    Ok(())
}
