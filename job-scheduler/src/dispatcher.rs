//! Wakes workers: publishes messages for units that nobody has taken.
//!
//! A message is a wake-up, never a count: there are never more messages ready than units that
//! could be granted, and the ticket of a unit's lane is moved ahead before its message is sent, so
//! several schedulers do not double it. With RabbitMQ away or full nothing is taken and nothing waits:
//! workers also ask by themselves. One task a region, so that no region holds up another. A drained region's tickets
//! are left where they are, so that its workers are woken as soon as it is undrained.

use domain::RegionId;
use rand::RngExt;
use tokio_util::sync::CancellationToken;
use work_queue::{Announcer, CopyJob};

use crate::jobs::Jobs;
use crate::store::{StoreError, Stored, TicketPace};

/// The most messages for one region in one tick.
const MOST_PER_TICK: usize = 100;

/// Runs for one region until shutdown.
pub async fn run(jobs: Jobs, queue: impl Announcer, region: RegionId, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(jobs.settings.reconcile_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // An outage is said once, not at each tick.
    let mut failing = false;
    loop {
        let next = async {
            tokio::select! {
                biased;
                _ = ticks.tick() => {}
                () = jobs.nudge.notified() => {}
            }
        };
        if shutdown.run_until_cancelled(next).await.is_none() {
            return;
        }
        // An outage of the store is said by the tasks that cannot do without it.
        if is_drained(&jobs, &region).await.unwrap_or(true) || !queue.is_connected() {
            continue;
        }
        let dispatched = dispatch(&jobs, &queue, &region);
        let Some(dispatched) = shutdown.run_until_cancelled(dispatched).await else {
            return;
        };
        if let Err(error) = &dispatched
            && !failing
        {
            tracing::warn!(
                region.id = %region,
                error = format!("{error:#}"),
                "cannot wake workers for now"
            );
        }
        failing = dispatched.is_err();
    }
}

async fn is_drained(jobs: &Jobs, region: &RegionId) -> Result<bool, StoreError> {
    let drains = jobs.store.drains().await?;
    Ok(drains.iter().any(|(drained, _)| drained == region))
}

/// Sends the messages that are due for a region, once.
///
/// # Errors
/// The store's and the queue's; what was taken and not sent is due again with its lane's next ticket.
pub async fn dispatch(
    jobs: &Jobs,
    queue: &impl Announcer,
    region: &RegionId,
) -> anyhow::Result<()> {
    let pace = TicketPace {
        announced: jobs.settings.first_ticket,
        first: jobs.settings.ticket_first,
        longest: jobs.settings.ticket_longest,
        stretch: rand::rng().random_range(0.8..1.2),
        most: MOST_PER_TICK,
    };
    let due = jobs.store.take_tickets(region, jobs.now(), &pace).await?;
    if due.is_empty() {
        return Ok(());
    }
    let ready = usize::try_from(queue.ready_count(region).await?).unwrap_or(usize::MAX);
    let wanted = due.len().saturating_sub(ready);
    for stored in jobs.store.load_many(&due[..wanted]).await? {
        publish(queue, &stored).await?;
        jobs.metrics.published(region);
    }
    Ok(())
}

async fn publish(queue: &impl Announcer, stored: &Stored) -> anyhow::Result<()> {
    let record = &stored.record;
    let message = CopyJob {
        job_id: record.id,
        attempt_hint: record.attempt + 1,
        source_region: record.source_region().clone(),
        destination_region: record.region().clone(),
        size_bytes: record.task.size_bytes(),
    };
    queue.publish(&message, record.task.traceparent()).await?;
    Ok(())
}
