//! Regions that nobody works for: there is a unit that could be granted, nothing runs, and nobody takes it.
//!
//! Pure: the caller brings what a look has found, and the time.

use std::collections::HashMap;
use std::time::Duration;

use domain::{JobId, RegionId};
use tokio::time::Instant;

/// What is remembered between two looks.
#[derive(Debug)]
pub(crate) struct Unattended {
    patience: Duration,
    waiting: HashMap<RegionId, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// The unit that would be granted first.
    job: JobId,
    since: Instant,
    told: bool,
}

/// What there is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// No worker takes this unit.
    Nobody(JobId),
    /// Somebody works there again, or there is nothing to do any more.
    Over,
}

// === impl Unattended ===

impl Unattended {
    /// Nothing has been seen yet. What waits longer than `patience` would have been taken by any idle worker.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            waiting: HashMap::new(),
        }
    }

    /// A look at a region: how many copies run there, and which unit would be granted next.
    pub(crate) fn look(
        &mut self,
        region: &RegionId,
        running: usize,
        next: Option<JobId>,
        now: Instant,
    ) -> Option<News> {
        let before = self.waiting.remove(region);
        let told = before.as_ref().is_some_and(|waiting| waiting.told);
        // While copies run the workers may be full.
        let Some(job) = next.filter(|_| running == 0) else {
            return told.then_some(News::Over);
        };
        let mut waiting = before
            .filter(|waiting| waiting.job == job)
            .unwrap_or(Waiting {
                job,
                since: now,
                told,
            });
        let due = !waiting.told && now.duration_since(waiting.since) >= self.patience;
        waiting.told |= due;
        self.waiting.insert(region.clone(), waiting);
        due.then_some(News::Nobody(job))
    }

    /// Whether it was said that nobody works there, and not yet that this is over.
    pub(crate) fn is_unattended(&self, region: &RegionId) -> bool {
        let waiting = self.waiting.get(region);
        waiting.is_some_and(|waiting| waiting.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    struct Looks {
        unattended: Unattended,
        begun: Instant,
    }

    impl Looks {
        fn new() -> Self {
            Self {
                unattended: Unattended::new(PATIENCE),
                begun: Instant::now(),
            }
        }

        fn at(&mut self, second: u64, running: usize, next: Option<JobId>) -> Option<News> {
            let now = self.begun + Duration::from_secs(second);
            self.unattended
                .look(&RegionId::new("ot2"), running, next, now)
        }
    }

    #[test]
    fn a_unit_that_nobody_takes_is_told_once_and_its_end_too() {
        let (mut looks, job) = (Looks::new(), JobId::generate());
        assert_eq!(looks.at(0, 0, Some(job)), None);
        assert_eq!(looks.at(59, 0, Some(job)), None);
        assert_eq!(looks.at(60, 0, Some(job)), Some(News::Nobody(job)));
        assert_eq!(looks.at(120, 0, Some(job)), None);
        assert!(looks.unattended.is_unattended(&RegionId::new("ot2")));
        assert_eq!(looks.at(130, 1, None), Some(News::Over));
        assert_eq!(looks.at(140, 0, None), None);
    }

    #[test]
    fn units_that_are_taken_or_wait_behind_others_are_no_news() {
        let (mut looks, one, other) = (Looks::new(), JobId::generate(), JobId::generate());
        assert_eq!(looks.at(0, 0, Some(one)), None);
        assert_eq!(looks.at(50, 0, Some(other)), None);
        assert_eq!(looks.at(100, 0, Some(one)), None);
        assert_eq!(looks.at(150, 4, Some(one)), None);
        assert_eq!(looks.at(159, 0, Some(one)), None);
        assert_eq!(looks.at(218, 0, Some(one)), None);
    }
}
