//! What workers do at Glance, and what interrupts them.

use crate::calls::End;
use crate::glance::{Image, Write};
use crate::worker::{At, Does, Unit};
use crate::world::{ALL_WORKERS, Slow, Worker};

use super::{Action, Steps};

impl Steps<'_> {
    pub(super) fn workers(&mut self) {
        for worker in ALL_WORKERS {
            let at = usize::from(worker);
            if let Worker::Asking { .. } = self.before.workers[at] {
                self.crash(worker);
            }
            let Some(unit) = self.before.unit(worker).copied() else {
                continue;
            };
            self.crash(worker);
            let images = self.before.glance[usize::from(unit.job)];
            let does = unit.next(worker, &images, self.life.flaw);
            if !unit.frozen {
                self.interrupt(worker, unit);
            }
            match does {
                Does::Goes(next) if !unit.frozen => {
                    let mut after = self.before.clone();
                    after.workers[at] = Worker::At(next);
                    self.take(Action::Work { worker }, after, true, adopted(&unit, &next));
                }
                Does::Writes(image, write) if unit.frozen || unit.valid => {
                    self.write(worker, unit, image, write);
                }
                Does::Goes(_) | Does::Writes(..) | Does::Waits | Does::Tells(_) => {}
            }
        }
    }

    fn write(&mut self, worker: u8, unit: Unit, image: Image, write: Write) {
        let (at, job) = (usize::from(worker), usize::from(unit.job));
        let mut after = self.before.clone();
        let said = after.glance[job].write(image, write);
        let mut next = unit;
        next.frozen = false;
        next.hears(said);
        after.workers[at] = Worker::At(next);
        let seen = match (unit.frozen, unit.valid) {
            (true, false) => vec!["late writes of frozen workers"],
            _ => Vec::new(),
        };
        self.take(Action::Work { worker }, after, !unit.frozen, seen);
        if unit.frozen {
            return;
        }
        if let Some(mut after) = self.spend(|faults| &mut faults.freezes) {
            after.workers[at] = Worker::At(Unit {
                frozen: true,
                ..unit
            });
            self.take(
                Action::Freeze { worker },
                after,
                false,
                vec!["workers frozen"],
            );
        }
        if self.before.slow.is_none()
            && let Some(mut after) = self.spend(|faults| &mut faults.slow_writes)
        {
            after.slow = Some(Slow {
                job: unit.job,
                image,
                write,
            });
            let mut next = unit;
            next.hears_nothing();
            after.workers[at] = Worker::At(next);
            self.take(
                Action::GiveUp { worker },
                after,
                false,
                vec!["requests given up"],
            );
        }
    }

    fn crash(&mut self, worker: u8) {
        if let Some(mut after) = self.spend(|faults| &mut faults.crashes) {
            after.workers[usize::from(worker)] = Worker::Idle;
            self.take(Action::Crash { worker }, after, false, vec!["workers dead"]);
        }
    }

    fn interrupt(&mut self, worker: u8, unit: Unit) {
        let at = usize::from(worker);
        if let Some(mut after) = self.spend(|faults| &mut faults.hand_backs) {
            let mut next = unit;
            next.hand_back();
            if next != unit {
                after.workers[at] = Worker::At(next);
                self.take(
                    Action::HandBack { worker },
                    after,
                    false,
                    vec!["units handed back"],
                );
            }
        }
        if matches!(unit.at, At::ReadSource | At::Verify) {
            for transient in [true, false] {
                if let Some(mut after) = self.spend(|faults| &mut faults.failures) {
                    let mut next = unit;
                    next.fail(End::Failed { transient });
                    after.workers[at] = Worker::At(next);
                    self.take(
                        Action::Fail { worker, transient },
                        after,
                        false,
                        vec!["attempts failed"],
                    );
                }
            }
        }
    }
}

/// Whether a step adopts an image, and whose.
fn adopted(before: &Unit, after: &Unit) -> Vec<&'static str> {
    match (before.at, after.at) {
        (At::Removing(_), At::Reveal { image }) if image != after.attempt => {
            vec!["images of earlier attempts adopted"]
        }
        (At::LookAtOwn | At::Removing(_), At::Reveal { .. }) => vec!["forgotten images adopted"],
        _ => Vec::new(),
    }
}
