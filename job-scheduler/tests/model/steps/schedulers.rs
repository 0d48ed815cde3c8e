//! What happens to schedulers: one is slow to commit, or all are away for a while.

use crate::world::{Serving, World};

use super::{Action, Steps};

impl Steps<'_> {
    pub(super) fn held(&mut self) {
        if let Some(held) = self.before.held {
            let mut after = self.before.clone();
            after.held = None;
            let called =
                self.life
                    .scheduler
                    .call_late(held.read, held.call, after.store, after.when());
            self.commit(&mut after, &called, false);
            let seen = if after.store == self.before.store {
                vec![]
            } else {
                vec!["late commits"]
            };
            self.take(Action::Resume, after, false, seen);
            // Or it is never heard of again.
            let mut after = self.before.clone();
            after.held = None;
            self.take(Action::Resume, after, false, Vec::new());
        }
    }

    pub(super) fn outage(&mut self) {
        match self.before.serving {
            Serving::Yes => {
                if let Some(mut after) = self.spend(|faults| &mut faults.outages) {
                    after.serving = Serving::Away;
                    self.take(Action::SchedulersLeave, after, false, vec!["outages"]);
                }
            }
            Serving::Away => {
                let mut after = self.before.clone();
                after.serving = Serving::JustBack;
                after.end_leases();
                self.take(Action::SchedulersAreBack, after, true, Vec::new());
            }
            Serving::JustBack => {
                // Whoever lives has renewed its lease by then.
                if self.before.units().all(|unit| unit.valid || unit.frozen) {
                    let after = World {
                        serving: Serving::Yes,
                        ..self.before.clone()
                    };
                    self.take(Action::LeaseLengthPasses, after, true, Vec::new());
                }
            }
        }
    }
}
