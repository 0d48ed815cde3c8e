//! What happens to Redis: it falls back to what a replica or a backup has.

use crate::world::{Serving, World};

use super::{Action, Steps};

impl Steps<'_> {
    pub(super) fn store(&mut self) {
        let before = self.before;
        if !before.may_fall_back() || before.serving == Serving::Away {
            return;
        }
        // Before the first job stands there is nothing to fall back to.
        let stands =
            (0..self.life.jobs).all(|job| self.life.scheduler.view(before.store, job).is_some());
        match before.older {
            None if stands => {
                let after = World {
                    older: Some(before.store),
                    ..before.clone()
                };
                self.take(Action::Save, after, false, Vec::new());
            }
            Some(older) => {
                let mut after = before.clone();
                if after.faults.failovers > 0 {
                    after.faults.failovers -= 1;
                } else {
                    after.faults.restores -= 1;
                }
                after.store = older;
                after.older = None;
                if before.faults.failovers == 0 {
                    // A restore takes longer than a lease: who holds one cannot renew it meanwhile.
                    after.end_leases();
                }
                after.fallen_back += 1;
                let differs = older != before.store;
                if differs {
                    self.take(Action::FallBack, after, false, vec!["redis fell back"]);
                }
            }
            None => {}
        }
    }
}
