//! What workers ask of the schedulers: work, and what to do with what they have.

use domain::{Directive, FinishVerdict};

use crate::calls::{Answer, Call};
use crate::worker::{At, Unit};
use crate::world::{ALL_WORKERS, Worker, World};

use super::{Action, Steps};

impl Steps<'_> {
    pub(super) fn claims(&mut self) {
        for worker in ALL_WORKERS {
            let at = usize::from(worker);
            let claim = match self.before.workers[at] {
                Worker::Idle => self.before.fresh_claim(&self.life.scheduler),
                Worker::Asking { claim } => claim,
                Worker::At(_) => continue,
            };
            let asks_anew = self.before.workers[at] == Worker::Idle;
            // Idle workers are alike.
            if asks_anew && at > 0 && self.before.workers[0] == Worker::Idle {
                continue;
            }
            let messages =
                (0..self.life.jobs).filter(|job| self.before.messages[usize::from(*job)] > 0);
            let hints = messages
                .map(Some)
                .chain([None])
                .filter(|hint| asks_anew || hint.is_none());
            let hints: Vec<_> = hints.collect();
            for hint in hints {
                let token = self.before.fresh_token(&self.life.scheduler);
                let acknowledge = |after: &mut World| {
                    if let Some(job) = hint {
                        after.messages[usize::from(job)] -= 1;
                    }
                };
                self.answered_or_not(
                    Call::Claim { claim, hint, token },
                    |answered| Action::Claim {
                        worker,
                        message: hint,
                        answered,
                    },
                    true,
                    |after, answer| {
                        acknowledge(after);
                        let Answer::Granted(granted) = answer else {
                            unreachable!("a claim is answered by a grant")
                        };
                        after.workers[at] =
                            granted.map_or(Worker::Idle, |it| Worker::At(Unit::new(&it)));
                        let again = !asks_anew && granted.is_some();
                        if again {
                            vec!["claims answered again"]
                        } else {
                            Vec::new()
                        }
                    },
                    // Nothing is acknowledged before there is an answer: the message comes again.
                    |after| after.workers[at] = Worker::Asking { claim },
                );
            }
        }
    }

    pub(super) fn reports(&mut self) {
        for worker in ALL_WORKERS {
            let Some(unit) = self
                .before
                .unit(worker)
                .copied()
                .filter(|unit| !unit.frozen)
            else {
                continue;
            };
            let at = usize::from(worker);
            let (job, token, settled) = (unit.job, unit.token, unit.settled);
            let report = Call::Report {
                job,
                token,
                cleaning: unit.is_cleaning(),
                image: unit.reported_image(),
                settled,
            };
            self.answered_or_not(
                report,
                |answered| Action::Report { worker, answered },
                true,
                |after, answer| {
                    let Answer::Directive(directive) = answer else {
                        unreachable!("a report is answered by a directive")
                    };
                    let mut unit = unit;
                    match directive {
                        Directive::Continue => unit.valid = true,
                        Directive::Cancel => {
                            unit.valid = true;
                            unit.cancel();
                        }
                        Directive::Stop => {
                            after.workers[at] = Worker::Idle;
                            return vec!["workers stopped"];
                        }
                    }
                    after.workers[at] = Worker::At(unit);
                    Vec::new()
                },
                |_| {},
            );
            if let At::Tell(end) = unit.at {
                self.answered_or_not(
                    Call::Finish {
                        job,
                        token,
                        end,
                        settled,
                    },
                    |answered| Action::Finish { worker, answered },
                    true,
                    |after, answer| {
                        let Answer::Verdict(verdict) = answer else {
                            unreachable!("a finish is answered by a verdict")
                        };
                        let mut unit = unit;
                        match verdict {
                            FinishVerdict::Committed => after.workers[at] = Worker::Idle,
                            // No job of the model reuses an image, so that the second is never said.
                            FinishVerdict::Superseded | FinishVerdict::LookAgain => {
                                after.workers[at] = Worker::Idle;
                                return vec!["finishes too late"];
                            }
                            FinishVerdict::Discard => {
                                unit.discard();
                                after.workers[at] = Worker::At(unit);
                                return vec!["copies discarded"];
                            }
                        }
                        Vec::new()
                    },
                    |_| {},
                );
            }
        }
    }
}
