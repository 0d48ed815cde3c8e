//! Notices that the store forgot: that it was wiped, fell back to an older state or is another one. Says so by log,
//! metric and readiness detail, and goes on: what is known by now is all there is. Gateways and workers hear of it by the
//! store's name.
//!
//! Each scheduler remembers the identity that the store had and how far its counters had got. Whoever finds less gives
//! the store a new identity, so that every other scheduler notices too, and raises the counters to where they had been:
//! no version is given out twice, and a caller who resumes an event stream finds no older numbers.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use service_kit::Clock;
use service_kit::admin::Note;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::metrics::Metrics;
use crate::store::StoreError;
use crate::store::redis::{RedisStore, Sequences, Standing};
use crate::store_name::StoreName;

/// How often the store is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the store forgot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Everything.
    Wiped,
    /// What was accepted last: it fell back to an older state.
    FellBack,
    /// Whatever it is, another scheduler has noticed it before; or the store is another one.
    Replaced,
}

/// Remembers what the store was.
pub(crate) struct StoreWatch {
    pub(crate) store: Arc<RedisStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) note: Note,
    /// What gateways and workers are told.
    pub(crate) name: StoreName,
}

// === impl Loss ===

impl Loss {
    pub(crate) const ALL: [Self; 3] = [Self::Wiped, Self::FellBack, Self::Replaced];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Wiped => "wiped",
            Self::FellBack => "fell_back",
            Self::Replaced => "replaced",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Wiped => "redis was wiped: no job or plan of before is known any more",
            Self::FellBack => {
                "redis fell back to an older state: jobs, plans and what became of them since then are unknown"
            }
            Self::Replaced => {
                "redis is another one, was wiped or fell back: jobs and plans of before may be unknown"
            }
        }
    }
}

/// What the store lost since it was known to be `known`, where `promised` was to last. What was not promised, such as
/// reports of progress, is no loss: a failover may cost it.
fn loss(known: &Standing, promised: Sequences, found: &Standing) -> Option<Loss> {
    let identity = known.identity?;
    let empty = found.sequences == Sequences::default();
    match found.identity {
        None if found.sequences.is_behind(promised) => Some(Loss::Wiped),
        None if empty && known.sequences != Sequences::default() => Some(Loss::Wiped),
        Some(other) if other != identity => Some(Loss::Replaced),
        _ if found.sequences.is_behind(promised) => Some(Loss::FellBack),
        _ => None,
    }
}

// === impl StoreWatch ===

impl StoreWatch {
    /// Looks until shutdown.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut known = None;
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.look(&mut known).await {
                tracing::debug!(error = %error, "the store was not looked at");
            }
        }
    }

    /// Compares what is with what was, and remembers it. Nothing is remembered of a look that failed half-way: the
    /// next one finds the same.
    async fn look(&self, known: &mut Option<Standing>) -> Result<(), StoreError> {
        // In this order: what is promised meanwhile is not expected of a look before.
        let promised = self.store.promised();
        let found = self.store.standing().await?;
        let lost = known
            .as_ref()
            .and_then(|known| loss(known, promised, &found));
        let furthest = known
            .as_ref()
            .map_or(promised, |known| known.sequences.max(promised));
        let is_new = match lost {
            Some(Loss::Wiped | Loss::FellBack) => true,
            Some(Loss::Replaced) => false,
            None => found.identity.is_none(),
        };
        let stands = if is_new || found.sequences.is_behind(furthest) {
            let keep = found.identity.filter(|_| !is_new);
            let identity = keep.unwrap_or_else(Uuid::new_v4);
            let identified = self.store.identify(found.identity, identity, furthest);
            identified.await?
        } else {
            found.clone()
        };
        if let Some(lost) = lost {
            self.say(lost, furthest, &found);
        }
        self.name.is(stands.identity);
        *known = Some(stands);
        Ok(())
    }

    fn say(&self, lost: Loss, before: Sequences, found: &Standing) {
        let now: Timestamp = self.clock.now();
        tracing::error!(
            loss = lost.as_str(),
            sequence.before = before.jobs,
            sequence.found = found.sequences.jobs,
            plan_sequence.before = before.plans,
            plan_sequence.found = found.sequences.plans,
            "{}",
            lost.sentence()
        );
        self.metrics.store_lost(lost);
        self.note
            .say(format!("{}; noticed at {now:.0}", lost.sentence()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(identity: Option<u128>, jobs: u64, plans: u64) -> Standing {
        Standing {
            identity: identity.map(Uuid::from_u128),
            sequences: Sequences { jobs, plans },
        }
    }

    fn promised(jobs: u64, plans: u64) -> Sequences {
        Sequences { jobs, plans }
    }

    #[test]
    fn a_store_that_only_went_on_lost_nothing() {
        let known = standing(Some(1), 10, 3);
        assert_eq!(loss(&known, promised(9, 3), &known), None);
        let later = standing(Some(1), 12, 4);
        assert_eq!(loss(&known, promised(10, 3), &later), None);
        // Never seen before.
        let unknown = standing(None, 0, 0);
        assert_eq!(loss(&unknown, promised(0, 0), &unknown), None);
        assert_eq!(loss(&unknown, promised(0, 0), &known), None);
        // New, and nothing was in it when it was wiped.
        let idle = standing(Some(1), 0, 0);
        assert_eq!(loss(&idle, promised(0, 0), &unknown), None);
    }

    #[test]
    fn what_was_not_promised_is_no_loss() {
        let known = standing(Some(1), 10, 3);
        assert_eq!(loss(&known, promised(8, 3), &standing(Some(1), 8, 3)), None);
        assert_eq!(loss(&known, promised(8, 3), &standing(None, 8, 3)), None);
    }

    #[test]
    fn each_way_of_forgetting_is_told_from_the_others() {
        let known = standing(Some(1), 10, 3);
        for (found, expected) in [
            (standing(None, 0, 0), Loss::Wiped),
            (standing(Some(1), 8, 3), Loss::FellBack),
            (standing(Some(1), 10, 2), Loss::FellBack),
            (standing(None, 1, 0), Loss::Wiped),
            (standing(Some(2), 8, 3), Loss::Replaced),
            (standing(Some(2), 20, 30), Loss::Replaced),
        ] {
            assert_eq!(
                loss(&known, promised(9, 3), &found),
                Some(expected),
                "{found:?}"
            );
        }
    }
}
