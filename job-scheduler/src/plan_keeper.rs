//! Keeps plans going: fires them when they are due, carries out what they wish and tells them what came of it.
//!
//! Without memory, as the reconciler: any number of schedulers do it side by side. A decision is committed by
//! version before anything is done about it, and what is done has an id that is derived from the fire, so a
//! scheduler may die at any point and another does the rest, or the same once more.

mod errands;
mod news;
mod removal;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::PlanId;
use futures::{FutureExt, TryStreamExt};
use jiff::Timestamp;
use rand::seq::SliceRandom;
use service_kit::telemetry::trace_context;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

pub(crate) use self::removal::remove;
use crate::lifecycle::after;
use crate::plan_lifecycle::wake;
use crate::plan_record::PlanRecord;
use crate::plans::Plans;
use crate::store::StoreError;
use crate::store::plans::StoredPlan;

/// Plans that are looked at in one go.
const BATCH: usize = 100;
/// Plans that are kept at the same time.
const AT_ONCE: usize = 16;
/// Batches in one tick, so that news do not wait for ever.
const BATCHES: usize = 10;
/// Steps of one plan in one tick: it fires, has its images looked for, and so on.
const STEPS: usize = 20;
/// When a plan that could not be read is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Runs until shutdown: at each tick, and at once when a plan or news of one were committed here.
pub async fn run(plans: Plans, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(plans.jobs.settings.reconcile_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut away = false;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
            () = plans.jobs.plan_nudge.notified() => {}
        }
        let ended = tick(&plans).await;
        match &ended {
            Ok(()) if away => tracing::info!("plans are kept again"),
            Ok(()) => {}
            Err(error) if !away => tracing::warn!(error = %error, "cannot keep plans for now"),
            Err(_) => {}
        }
        away = ended.is_err();
    }
}

/// Everything that can be done now, within bounds.
///
/// # Errors
/// The store's.
pub async fn tick(plans: &Plans) -> Result<(), StoreError> {
    news::spread(plans).await?;
    for _ in 0..BATCHES {
        if keep_due(plans).await? < BATCH {
            break;
        }
    }
    let count = plans.jobs.store.count_plans().await?;
    plans.jobs.metrics.plans.counted(count);
    Ok(())
}

/// One batch; says how many were looked at.
async fn keep_due(plans: &Plans) -> Result<usize, StoreError> {
    let store = &plans.jobs.store;
    let due = store.plans_due(plans.now(), BATCH).await?;
    let mut found = store.load_plans(&due).await?;
    let is_found = |id: &PlanId| found.iter().any(|stored| stored.record.id == *id);
    for id in due.iter().filter(|id| !is_found(id)) {
        postpone(plans, *id).await?;
    }
    // Schedulers side by side begin at different ends, so that they seldom race for one plan.
    found.shuffle(&mut rand::rng());
    let full = AtomicBool::new(false);
    futures::stream::iter(found.into_iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |stored| {
            let span = span(&stored.record);
            let kept = keep(plans, stored).instrument(span);
            kept.map(|kept| match kept {
                // Others may have something to do that needs no room, a cancel above all.
                Err(StoreError::Full) => {
                    full.store(true, Ordering::Relaxed);
                    Ok(())
                }
                kept => kept,
            })
        })
        .await?;
    if full.into_inner() {
        return Err(StoreError::Full);
    }
    Ok(due.len())
}

/// The span of a look at a plan, in the trace of the run that is under way; a run that begins here begins a trace.
fn span(plan: &PlanRecord) -> tracing::Span {
    let span = tracing::info_span!(parent: None, "plan", plan.id = %plan.id);
    let run = plan.run.as_ref();
    if let Some(traceparent) = run.and_then(|run| run.traceparent.as_deref()) {
        trace_context::set_parent(&span, traceparent);
    }
    span
}

/// Takes a plan that cannot be read out of the way of the others for a while.
async fn postpone(plans: &Plans, id: PlanId) -> Result<(), StoreError> {
    let store = &plans.jobs.store;
    match store.load_plan(id).await {
        Ok(Some(_)) => return Ok(()),
        Ok(None) => {}
        Err(error @ StoreError::UnreadablePlan { .. }) => {
            tracing::error!(plan.id = %id, error = %error, "cannot keep a plan");
            plans.jobs.metrics.plans.unreadable();
        }
        Err(error) => return Err(error),
    }
    let until = after(plans.now(), LOOK_AGAIN);
    store.postpone_plan(id, until).await
}

/// Does for one plan what can be done now.
async fn keep(plans: &Plans, mut stored: StoredPlan) -> Result<(), StoreError> {
    for _ in 0..STEPS {
        let now = plans.now();
        let next = match next(plans, &stored, now).await {
            Ok(Some(next)) => next,
            // Another scheduler has moved it on already.
            Ok(None) | Err(StoreError::Conflict) => return Ok(()),
            Err(error) => return Err(error),
        };
        tell(&stored.record, &next);
        stored = match plans.commit(&stored, &next).await {
            Ok(stored) => stored,
            // Another scheduler was faster, and goes on from there; or another plan came to hold a replica,
            // which the next look sees.
            Err(StoreError::Conflict | StoreError::Held(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
    }
    Ok(())
}

/// The plan after its next step.
async fn next(
    plans: &Plans,
    stored: &StoredPlan,
    now: Timestamp,
) -> Result<Option<PlanRecord>, StoreError> {
    let record = &stored.record;
    if !record.outbox.is_empty() {
        return errands::carry_out(plans, stored, now).await.map(Some);
    }
    if record.check_at.is_some_and(|at| at <= now) {
        return news::look_for_lost(plans, record, now).await.map(Some);
    }
    let traceparent = trace_context::current_traceparent();
    Ok(wake(record, traceparent, now, &plans.rules))
}

/// Says what a step means to whoever reads the log.
fn tell(before: &PlanRecord, after: &PlanRecord) {
    if after.last_fire != before.last_fire
        && let Some(run) = &after.run
    {
        tracing::info!(
            fire.id = %run.fire,
            fire.scheduled_for = %run.scheduled_for,
            "a plan fires"
        );
    }
    if after.last_run != before.last_run
        && let Some(last) = &after.last_run
    {
        tracing::info!(
            fire.scheduled_for = %last.scheduled_for,
            fire.result = ?last.result,
            fire.jobs = last.jobs.len(),
            fire.messages = ?last.messages,
            "a plan's fire has ended"
        );
    }
    let skipped = |record: &PlanRecord| record.run.as_ref().map_or(0, |run| run.skipped);
    if skipped(after) > skipped(before) {
        tracing::warn!("skipped a plan's fire, for the one before has not ended");
    }
}
