//! Everything that can happen next, by who does it.

mod callers;
mod glance;
mod requests;
mod schedulers;
mod store;
mod time;
mod work;

use crate::calls::{Answer, Call, DueNow};
use crate::explorer::{Broken, Model, Step};
use crate::flaw::Flaw;
use crate::glance::{Image, Standing};
use crate::properties;
use crate::sample;
use crate::scheduler::{Called, Scheduler};
use crate::view::JobView;
use crate::world::{ALL_JOBS, Asked, Faults, Held, JOBS, Serving, World};

/// What happened, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The gateway creates the job.
    Create {
        job: u8,
        answered: bool,
    },
    /// The gateway sends a message; none when it is lost.
    Publish {
        job: u8,
        copies: u8,
    },
    Cancel {
        job: u8,
        answered: bool,
    },
    /// A worker asks for work, on a message or on its timer.
    Claim {
        worker: u8,
        message: Option<u8>,
        answered: bool,
    },
    /// A worker reports and is answered.
    Report {
        worker: u8,
        answered: bool,
    },
    /// A worker tells how its unit ended.
    Finish {
        worker: u8,
        answered: bool,
    },
    /// A worker takes its next step at Glance.
    Work {
        worker: u8,
    },
    /// A request is given up by its sender, and may arrive later.
    GiveUp {
        worker: u8,
    },
    Freeze {
        worker: u8,
    },
    Crash {
        worker: u8,
    },
    HandBack {
        worker: u8,
    },
    Fail {
        worker: u8,
        transient: bool,
    },
    /// Time passes.
    Due {
        job: u8,
        what: DueNow,
    },
    /// A scheduler freezes between reading and committing.
    Hold(Call),
    /// It goes on.
    Resume,
    /// A request that was given up arrives.
    Arrive,
    Upload {
        job: u8,
        image: Image,
        becomes: Standing,
    },
    /// From now on the replica is behind, or a backup is made.
    Save,
    FallBack,
    SchedulersLeave,
    SchedulersAreBack,
    /// A lease length has passed since.
    LeaseLengthPasses,
}

/// The life of some jobs under some faults.
pub(crate) struct JobLife {
    pub(crate) scheduler: Scheduler,
    jobs: u8,
    faults: Faults,
    flaw: Flaw,
    /// Properties that this world need not keep.
    not_promised: &'static [&'static str],
}

struct Steps<'a> {
    life: &'a mut JobLife,
    before: &'a World,
    found: Vec<Step<World, Action>>,
}

impl JobLife {
    pub(crate) fn new(jobs: u8, faults: Faults, flaw: Flaw) -> Self {
        Self {
            // With two jobs, one has to wait for the other.
            scheduler: Scheduler::new(sample::settings(1), JOBS, flaw),
            jobs,
            faults,
            flaw,
            not_promised: properties::not_promised(&faults),
        }
    }

    /// The same, held to all but these properties.
    pub(crate) const fn but(mut self, not_promised: &'static [&'static str]) -> Self {
        self.not_promised = not_promised;
        self
    }
}

impl Model for JobLife {
    type State = World;
    type Action = Action;

    fn start(&mut self) -> World {
        World::start(self.scheduler.empty(), self.faults).normal(&mut self.scheduler)
    }

    fn check(&mut self, state: &World) -> Result<(), Broken> {
        let found = properties::of_state(state, &self.scheduler).into_iter();
        let mut promised = found.filter(|broken| !self.not_promised.contains(&broken.property));
        promised.next().map_or(Ok(()), Err)
    }

    fn is_end(&mut self, state: &World) -> bool {
        (0..self.jobs).all(|job| {
            let view = self.scheduler.view(state.store, job);
            state.callers[usize::from(job)].asked == Asked::Accepted
                && view.is_some_and(|view| view.is_over)
        })
    }

    fn steps(&mut self, state: &World) -> Vec<Step<World, Action>> {
        let mut steps = Steps {
            before: state,
            life: self,
            found: Vec::new(),
        };
        if state.serving != Serving::Away {
            steps.callers();
            steps.claims();
            steps.reports();
            steps.time();
            steps.held();
        }
        steps.workers();
        steps.glance();
        steps.store();
        steps.outage();
        steps.found
    }
}

impl Steps<'_> {
    fn spend(&self, fault: impl Fn(&mut Faults) -> &mut u8) -> Option<World> {
        let mut after = self.before.clone();
        let left = fault(&mut after.faults);
        *left = left.checked_sub(1)?;
        Some(after)
    }

    fn take(&mut self, action: Action, after: World, fair: bool, mut seen: Vec<&'static str>) {
        let after = after.normal(&mut self.life.scheduler);
        let verdict = properties::of_step(self.before, action, &after, &self.life.scheduler);
        let after = properties::told(self.before, after, &self.life.scheduler);
        properties::seen(self.before, &after, &self.life.scheduler, &mut seen);
        self.found.push(Step {
            action,
            after,
            fair,
            seen,
            verdict,
        });
    }

    /// Carries a call out on the store of a world. An answer that waits for the replica comes when it has everything.
    fn call(&mut self, after: &mut World, call: Call, answered: bool) -> Answer {
        let called = self.life.scheduler.call(after.store, call, after.when());
        self.commit(after, &called, answered);
        called.answer
    }

    fn commit(&mut self, after: &mut World, called: &Called, answered: bool) {
        after.store = called.store;
        if called.lasts && answered && after.faults.restores == 0 {
            after.older = None;
        }
        if answered {
            for job in ALL_JOBS {
                let rank = |store| self.life.scheduler.view(store, job).map(JobView::rank);
                let (was, is) = (rank(self.before.store), rank(called.store));
                if called.lasts || was != is {
                    let caller = &mut after.callers[usize::from(job)];
                    caller.told_rank = caller.told_rank.max(is.unwrap_or_default());
                }
            }
        }
    }

    /// A call with its answer; and, as a fault, carried out without one.
    fn answered_or_not(
        &mut self,
        call: Call,
        action: impl Fn(bool) -> Action,
        fair: bool,
        hear: impl Fn(&mut World, Answer) -> Vec<&'static str>,
        miss: impl Fn(&mut World),
    ) {
        let mut after = self.before.clone();
        let answer = self.call(&mut after, call, true);
        let seen = hear(&mut after, answer);
        self.take(action(true), after, fair, seen);
        if let Some(mut after) = self.spend(|faults| &mut faults.lost_answers) {
            self.call(&mut after, call, false);
            miss(&mut after);
            self.take(action(false), after, false, vec!["answers lost"]);
        }
        if self.before.held.is_none()
            && let Some(mut after) = self.spend(|faults| &mut faults.held_calls)
        {
            after.held = Some(Held {
                call,
                read: after.store,
            });
            miss(&mut after);
            self.take(Action::Hold(call), after, false, vec!["schedulers frozen"]);
        }
    }
}
