//! Everything that can happen next.

use domain::{Directive, FinishVerdict};

use crate::calls::{Answer, Call, DueNow, End};
use crate::explorer::{Broken, Model, Step};
use crate::flaw::Flaw;
use crate::glance::{Image, Standing, Upload, Write};
use crate::properties;
use crate::sample;
use crate::scheduler::{Called, Scheduler};
use crate::view::JobView;
use crate::worker::{At, Does, Unit};
use crate::world::{
    ALL_JOBS, ALL_WORKERS, Asked, Faults, Held, JOBS, Serving, Slow, Worker, World,
};

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

    fn callers(&mut self) {
        for job in 0..self.life.jobs {
            let at = usize::from(job);
            let caller = self.before.callers[at];
            match caller.asked {
                Asked::Nothing => self.answered_or_not(
                    Call::Create { job },
                    |answered| Action::Create { job, answered },
                    true,
                    |after, _| {
                        after.callers[at].asked = Asked::Created;
                        Vec::new()
                    },
                    |_| {},
                ),
                Asked::Created => self.publish(job),
                Asked::Accepted => {}
            }
            let view = self.life.scheduler.view(self.before.store, job);
            let cancelable = view.is_some_and(|view| view.status.can_be_canceled());
            if caller.asked != Asked::Nothing
                && cancelable
                && let Some(spent) = self.spend(|faults| &mut faults.cancels)
            {
                let left = spent.faults;
                let wish = |after: &mut World| {
                    after.faults.cancels = left.cancels;
                    after.callers[at].canceled = true;
                };
                self.answered_or_not(
                    Call::Cancel { job },
                    |answered| Action::Cancel { job, answered },
                    false,
                    |after, answer| {
                        wish(after);
                        match answer {
                            Answer::Done => vec!["cancels"],
                            _ => Vec::new(),
                        }
                    },
                    wish,
                );
            }
        }
    }

    fn publish(&mut self, job: u8) {
        let at = usize::from(job);
        let send = |mut after: World, copies: u8| {
            after.callers[at].asked = Asked::Accepted;
            after.messages[at] += copies;
            (Action::Publish { job, copies }, after)
        };
        // Without faults of messages they say no more than a worker's own timer.
        if self.life.faults.bad_messages == 0 {
            let (action, after) = send(self.before.clone(), 0);
            self.take(action, after, true, Vec::new());
            return;
        }
        let (action, after) = send(self.before.clone(), 1);
        self.take(action, after, true, Vec::new());
        for (copies, what) in [(0, "messages lost"), (2, "messages doubled")] {
            if let Some(after) = self.spend(|faults| &mut faults.bad_messages) {
                let (action, after) = send(after, copies);
                self.take(action, after, false, vec![what]);
            }
        }
    }

    fn claims(&mut self) {
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

    fn reports(&mut self) {
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
                            FinishVerdict::Superseded => {
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

    fn time(&mut self) {
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

    fn held(&mut self) {
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

    fn workers(&mut self) {
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

    fn glance(&mut self) {
        if let Some(slow) = self.before.slow {
            let mut after = self.before.clone();
            after.slow = None;
            let images = &mut after.glance[usize::from(slow.job)];
            images.write(slow.image, slow.write);
            if let Write::Upload { worker } = slow.write {
                images.close_uploads(worker);
            }
            self.take(Action::Arrive, after, false, vec!["requests arrived late"]);
            let mut after = self.before.clone();
            after.slow = None;
            self.take(Action::Arrive, after, false, Vec::new());
        }
        for job in 0..self.life.jobs {
            let images = self.before.glance[usize::from(job)];
            for (image, standing) in images.all() {
                if let Standing::Saving(upload) = standing {
                    self.upload(job, image, upload);
                }
            }
        }
    }

    fn upload(&mut self, job: u8, image: Image, upload: Upload) {
        let become_ = |steps: &mut Self, after: Option<World>, becomes, fair, seen| {
            if let Some(mut after) = after {
                after.glance[usize::from(job)].set(image, becomes);
                steps.take(
                    Action::Upload {
                        job,
                        image,
                        becomes,
                    },
                    after,
                    fair,
                    seen,
                );
            }
        };
        let whole = Standing::Active {
            same: true,
            shown: false,
        };
        let other = Standing::Active {
            same: false,
            shown: false,
        };
        let queued = Standing::Queued { tombstone: false };
        let stuck = Standing::Saving(Upload::Stuck);
        match upload {
            Upload::From(_) => {
                become_(self, Some(self.before.clone()), whole, true, vec![]);
                let dropped = self.spend(|faults| &mut faults.drops);
                become_(self, dropped, queued, false, vec!["uploads dropped"]);
            }
            Upload::Closing => {
                become_(self, Some(self.before.clone()), queued, true, vec![]);
                become_(
                    self,
                    Some(self.before.clone()),
                    whole,
                    false,
                    vec!["uploads whole behind their workers"],
                );
            }
            Upload::Stuck => return,
        }
        let differs = self.spend(|faults| &mut faults.differences);
        become_(
            self,
            differs,
            other,
            false,
            vec!["uploads with other bytes"],
        );
        let sticks = self.spend(|faults| &mut faults.stuck);
        become_(self, sticks, stuck, false, vec!["uploads stuck"]);
    }

    fn store(&mut self) {
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

    fn outage(&mut self) {
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
