//! Work in: a free slot first, then a wake-up, then a claim.
//!
//! A worker with a free slot claims when a message comes (with the message's job as a hint), again
//! after each grant and after each unit that ends, until there is nothing, and on a jittered timer, so
//! that work goes on without RabbitMQ. A message is acknowledged as soon as its claim is answered; a
//! full worker, and one whose scheduler is away, does not consume at all. Invariant: a message is
//! held for one claim at most, never for a copy.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use domain::{Outcome, RegionId, WorkerId};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info, info_span, warn};
use work_queue::{Delivery, Listener};

use crate::attempt::Attempt;
use crate::claim::{Claim, Claimed};
use crate::finish::report_end;
use crate::scheduler_client::SchedulerClient;
use crate::slots::{FreeSlot, Slots};
use crate::unit;
use crate::workshop::Workshop;

/// How long a worker that is told to stop waits for the answer to its last claim: as long as for any call.
const LAST_ANSWER: Duration = Duration::from_secs(10);

/// Takes work in for one worker.
pub(crate) struct Intake<Q> {
    pub(crate) region: RegionId,
    pub(crate) worker: WorkerId,
    pub(crate) scheduler: SchedulerClient,
    pub(crate) messages: Q,
    pub(crate) slots: Slots,
    /// How long an idle worker waits before it asks unasked.
    pub(crate) poll: RangeInclusive<Duration>,
    pub(crate) workshop: Arc<Workshop>,
    /// What runs; ends with this.
    pub(crate) units: JoinSet<()>,
}

/// What made the worker ask.
enum WakeUp {
    Message(Delivery),
    UnitEnded,
    Timer,
}

impl<Q: Listener> Intake<Q> {
    /// Takes work in until `stop` is cancelled. Returns the units that still run.
    pub(crate) async fn run(mut self, stop: &CancellationToken) -> JoinSet<()> {
        // A worker that starts asks at once: there may be work that nobody is told of any more.
        let mut next_poll = Instant::now();
        while let Some(slot) = stop.run_until_cancelled(self.free_slot()).await {
            let waiting = self.wake_up(next_poll);
            let Some(wake_up) = stop.run_until_cancelled(waiting).await else {
                break;
            };
            next_poll = match self.claim(wake_up, stop).await {
                Some(claimed) => {
                    self.start(slot, claimed);
                    Instant::now()
                }
                None => Instant::now() + rand::random_range(self.poll.clone()),
            };
        }
        self.messages.stop().await;
        self.units
    }

    /// A free slot; while there is none, nothing is consumed.
    async fn free_slot(&mut self) -> FreeSlot {
        if let Some(slot) = self.slots.try_take() {
            return slot;
        }
        self.messages.stop().await;
        self.slots.take().await
    }

    async fn wake_up(&mut self, next_poll: Instant) -> WakeUp {
        tokio::select! {
            biased;
            () = self.slots.unit_ended() => WakeUp::UnitEnded,
            delivery = self.messages.next() => WakeUp::Message(delivery),
            () = sleep_until(next_poll) => WakeUp::Timer,
        }
    }

    async fn claim(&mut self, wake_up: WakeUp, stop: &CancellationToken) -> Option<Claimed> {
        let delivery = match wake_up {
            WakeUp::Message(delivery) => Some(delivery),
            WakeUp::UnitEnded | WakeUp::Timer => None,
        };
        let span = match &delivery {
            Some(delivery) => delivery.processing(),
            None => info_span!(parent: None, "claim", region.id = %self.region),
        };
        self.ask(delivery, stop).instrument(span).await
    }

    /// Asks until there is an answer. None also when stopped before there was one; what is granted then is handed back.
    async fn ask(
        &mut self,
        delivery: Option<Delivery>,
        stop: &CancellationToken,
    ) -> Option<Claimed> {
        let hint = delivery.as_ref().map(|delivery| delivery.job().job_id);
        let mut claim = Claim::new(self.region.clone(), self.worker.clone(), hint);
        match claim.ask(&self.scheduler).await {
            Ok(answer) => {
                acknowledge(delivery).await;
                answer
            }
            Err(error) => {
                warn!(
                    error.message = %error,
                    "no answer to a claim; nothing is consumed until there is one"
                );
                // Gives the message back: held, it would only come again, and again.
                self.messages.stop().await;
                let mut asking = Box::pin(claim.keep_asking(self.scheduler.clone()));
                if let Some(answer) = stop.run_until_cancelled(&mut asking).await {
                    return answer;
                }
                let returning = give_back(self.workshop.clone(), asking);
                self.units.spawn(returning.in_current_span());
                None
            }
        }
    }

    fn start(&mut self, slot: FreeSlot, claimed: Claimed) {
        // Those that have ended are let go of here: there are never more of them than slots.
        while self.units.try_join_next().is_some() {}
        info!(
            job.id = %claimed.grant.job_id,
            job.attempt = claimed.grant.attempt,
            unit.kind = claimed.grant.unit.kind().as_str(),
            "a unit is granted"
        );
        let slot = self.slots.occupy(slot);
        let workshop = self.workshop.clone();
        self.units.spawn(async move {
            unit::run(&workshop, claimed).await;
            drop(slot);
        });
    }
}

/// What is asked for while the worker is told to stop may be granted by a scheduler that is slow: then its lease is handed
/// back at once and need not lapse.
async fn give_back(workshop: Arc<Workshop>, asking: impl Future<Output = Option<Claimed>>) {
    let asking = timeout(LAST_ANSWER, asking);
    let answer = workshop.hand_back.run_until_cancelled(asking).await;
    if let Some(Ok(Some(claimed))) = answer {
        info!(job.id = %claimed.grant.job_id, "a unit that was granted too late is handed back");
        let finish = Attempt::new(claimed).finish(Outcome::HandedBack);
        report_end(&workshop, &finish).await;
    }
}

async fn acknowledge(delivery: Option<Delivery>) {
    if let Some(delivery) = delivery
        && let Err(lost) = delivery.ack().await
    {
        debug!(error.message = %lost, "a message will come again");
    }
}

#[cfg(test)]
mod tests;
