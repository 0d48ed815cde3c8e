//! What happens because time passes: pauses, leases and deadlines end.

use crate::calls::{Call, DueNow};
use crate::world::{Serving, Worker};

use super::{Action, Steps};

impl Steps<'_> {
    pub(super) fn time(&mut self) {
        for job in 0..self.life.jobs {
            let Some(view) = self.life.scheduler.view(self.before.store, job).cloned() else {
                continue;
            };
            if view.waits {
                let mut after = self.before.clone();
                let what = DueNow::Backoff;
                self.call(&mut after, Call::Due { job, what }, true);
                self.take(
                    Action::Due { job, what },
                    after,
                    true,
                    vec!["backoffs ended"],
                );
            }
            if let Some(lease) = view.lease.filter(|lease| !lease.lapsed) {
                let holder = self.before.holder(job, lease.token);
                let lives = holder
                    .and_then(|holder| self.before.unit(holder))
                    .is_some_and(|unit| !unit.frozen);
                let just_back = self.before.serving == Serving::JustBack;
                let after = match lives && !just_back {
                    true => self.spend(|faults| &mut faults.silences),
                    false => Some(self.before.clone()),
                };
                if let Some(mut after) = after {
                    // A worker's own clock ends a lease first.
                    if let Some(holder) = holder
                        && let Worker::At(unit) = &mut after.workers[usize::from(holder)]
                    {
                        unit.valid = false;
                    }
                    let what = DueNow::Lease;
                    self.call(&mut after, Call::Due { job, what }, true);
                    self.take(
                        Action::Due { job, what },
                        after,
                        !lives,
                        vec!["leases run out"],
                    );
                }
            }
            if view.has_deadline
                && let Some(mut after) = self.spend(|faults| &mut faults.deadlines)
            {
                let what = DueNow::Deadline;
                self.call(&mut after, Call::Due { job, what }, true);
                self.take(
                    Action::Due { job, what },
                    after,
                    false,
                    vec!["deadlines passed"],
                );
            }
        }
    }
}
