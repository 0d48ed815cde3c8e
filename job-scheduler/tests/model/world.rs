//! Everything at one moment: what the store holds, what Glance holds, where the workers are, what is on its way, and how
//! many faults are still to come.

use crate::calls::{Call, When};
use crate::glance::{Image, Images, Write};
use crate::scheduler::{Scheduler, StoreId};
use crate::tidy::Live;
use crate::worker::Unit;

pub(crate) const WORKERS: usize = 2;
pub(crate) const ALL_WORKERS: [u8; WORKERS] = [0, 1];
/// Jobs that a model may have.
pub(crate) const JOBS: usize = 2;
pub(crate) const ALL_JOBS: [u8; JOBS] = [0, 1];

/// One state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) store: StoreId,
    /// What Redis' replica holds while it is behind; also what a backup holds.
    pub(crate) older: Option<StoreId>,
    /// A call of a scheduler that stands still between reading and committing.
    pub(crate) held: Option<Held>,
    /// A request to Glance whose sender has given it up, and which may still arrive.
    pub(crate) slow: Option<Slow>,
    pub(crate) glance: [Images; JOBS],
    pub(crate) workers: [Worker; WORKERS],
    pub(crate) callers: [Caller; JOBS],
    /// Messages that wake a worker for a job.
    pub(crate) messages: [u8; JOBS],
    pub(crate) serving: Serving,
    pub(crate) fallen_back: u8,
    pub(crate) faults: Faults,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) call: Call,
    pub(crate) read: StoreId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slow {
    pub(crate) job: u8,
    pub(crate) image: Image,
    pub(crate) write: Write,
}

/// A worker process with one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Worker {
    Idle,
    /// It repeats a claim whose answer was lost.
    Asking {
        claim: u8,
    },
    At(Unit),
}

/// A caller with its gateway, and what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Caller {
    pub(crate) asked: Asked,
    /// Wants the job no more.
    pub(crate) canceled: bool,
    /// The image of `replicated`, once anybody can have read that.
    pub(crate) told_image: Image,
    /// How far along the status was that an answered call had made.
    pub(crate) told_rank: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Asked {
    Nothing,
    /// The job stands; its message is not sent.
    Created,
    /// 202.
    Accepted,
}

/// Whether schedulers are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Serving {
    Yes,
    Away,
    /// Back for less than a lease.
    JustBack,
}

/// How often each fault may still happen, and what the caller and time may still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Faults {
    /// The caller cancels.
    pub(crate) cancels: u8,
    /// A deadline passes.
    pub(crate) deadlines: u8,
    /// A worker dies.
    pub(crate) crashes: u8,
    /// A worker is told to go.
    pub(crate) hand_backs: u8,
    /// A worker stands still right behind its gate.
    pub(crate) freezes: u8,
    /// A lease runs out although its worker lives: it cannot reach a scheduler for that long.
    pub(crate) silences: u8,
    /// A call is carried out, and its answer is lost.
    pub(crate) lost_answers: u8,
    /// A scheduler stands still between reading and committing.
    pub(crate) held_calls: u8,
    /// A request to Glance is given up by its sender, and may arrive later.
    pub(crate) slow_writes: u8,
    /// An attempt fails before it makes anything: a Glance is away, for a while or for good.
    pub(crate) failures: u8,
    /// The destination drops an upload.
    pub(crate) drops: u8,
    /// An upload is stuck for ever.
    pub(crate) stuck: u8,
    /// An upload ends with other bytes.
    pub(crate) differences: u8,
    /// Messages that are lost or doubled.
    pub(crate) bad_messages: u8,
    /// Schedulers are away for longer than a lease.
    pub(crate) outages: u8,
    /// Redis fails over to a replica that is behind.
    pub(crate) failovers: u8,
    /// Redis is restored from a backup, whatever was answered since.
    pub(crate) restores: u8,
}

impl Faults {
    pub(crate) const fn none() -> Self {
        Self {
            cancels: 0,
            deadlines: 0,
            crashes: 0,
            hand_backs: 0,
            freezes: 0,
            silences: 0,
            lost_answers: 0,
            held_calls: 0,
            slow_writes: 0,
            failures: 0,
            drops: 0,
            stuck: 0,
            differences: 0,
            bad_messages: 0,
            outages: 0,
            failovers: 0,
            restores: 0,
        }
    }
}

impl World {
    pub(crate) fn start(store: StoreId, faults: Faults) -> Self {
        let caller = Caller {
            asked: Asked::Nothing,
            canceled: false,
            told_image: 0,
            told_rank: 0,
        };
        Self {
            store,
            older: None,
            held: None,
            slow: None,
            glance: [Images::none(); JOBS],
            workers: [Worker::Idle; WORKERS],
            callers: [caller; JOBS],
            messages: [0; JOBS],
            serving: Serving::Yes,
            fallen_back: 0,
            faults,
        }
    }

    pub(crate) fn when(&self) -> When {
        When {
            fallen_back: self.fallen_back,
            just_back: self.serving == Serving::JustBack,
        }
    }

    pub(crate) fn unit(&self, worker: u8) -> Option<&Unit> {
        match &self.workers[usize::from(worker)] {
            Worker::At(unit) => Some(unit),
            Worker::Idle | Worker::Asking { .. } => None,
        }
    }

    pub(crate) fn units(&self) -> impl Iterator<Item = &Unit> {
        ALL_WORKERS
            .into_iter()
            .filter_map(|worker| self.unit(worker))
    }

    /// The worker that holds a token and is not frozen.
    pub(crate) fn holder(&self, job: u8, token: u8) -> Option<u8> {
        let holds = |unit: &Unit| unit.job == job && unit.token == token;
        [0, 1]
            .into_iter()
            .find(|worker| self.unit(*worker).is_some_and(holds))
    }

    /// A token that nobody refers to.
    pub(crate) fn fresh_token(&self, scheduler: &Scheduler) -> u8 {
        let used = self.tokens(scheduler);
        (1..64)
            .find(|token| used & (1 << token) == 0)
            .expect("few tokens")
    }

    pub(crate) fn fresh_claim(&self, scheduler: &Scheduler) -> u8 {
        let used = self.claims() | self.stored(scheduler).1;
        (1..64)
            .find(|claim| used & (1 << claim) == 0)
            .expect("few claims")
    }

    fn stores(&self) -> impl Iterator<Item = StoreId> {
        let held = self.held.map(|held| held.read);
        [Some(self.store), self.older, held].into_iter().flatten()
    }

    /// Tokens and claims that stores know.
    fn stored(&self, scheduler: &Scheduler) -> (u64, u64) {
        let (mut tokens, mut claims) = (0, 0);
        for store in self.stores() {
            for job in ALL_JOBS {
                if let Some(view) = scheduler.view(store, job) {
                    let leases = view.lease.iter();
                    for lease in leases {
                        tokens |= 1 << lease.token;
                        claims |= 1_u64.checked_shl(lease.claim.into()).unwrap_or_default();
                    }
                    tokens |= view.last_finished.map_or(0, |token| 1 << token);
                }
            }
        }
        (tokens, claims)
    }

    fn tokens(&self, scheduler: &Scheduler) -> u64 {
        self.carried_tokens() | self.stored(scheduler).0
    }

    /// Tokens that somebody may still show.
    fn carried_tokens(&self) -> u64 {
        let held = self.held.and_then(|held| held.call.token());
        let units = self.units().map(|unit| unit.token);
        units.chain(held).fold(0, |set, token| set | (1 << token))
    }

    /// Claims that somebody may still repeat.
    fn claims(&self) -> u64 {
        let asking = self.workers.iter().filter_map(|worker| match worker {
            Worker::Asking { claim } => Some(*claim),
            Worker::Idle | Worker::At(_) => None,
        });
        let held = self.held.and_then(|held| match held.call {
            Call::Claim { claim, .. } => Some(claim),
            _ => None,
        });
        asking.chain(held).fold(0, |set, claim| set | (1 << claim))
    }

    /// The same state in the one form that all that are alike share.
    pub(crate) fn normal(mut self, scheduler: &mut Scheduler) -> Self {
        self.close_uploads();
        if self.workers[1] < self.workers[0] {
            self.workers.swap(0, 1);
            self.glance.iter_mut().for_each(Images::swap_workers);
        }
        if self.held.is_none() && !self.may_fall_back() {
            self.older = None;
        }
        let lowest = |job: u8| {
            let versions = self.stores().map(|store| scheduler.version(store, job));
            let lowest = versions.filter(|version| *version > 0).min();
            lowest.unwrap_or_default()
        };
        let live = Live {
            tokens: self.carried_tokens(),
            claims: self.claims(),
            lowest: ALL_JOBS.into_iter().map(lowest).collect(),
        };
        self.store = scheduler.tidy(self.store, &live);
        self.older = self.older.map(|store| scheduler.tidy(store, &live));
        if let Some(held) = &mut self.held {
            held.read = scheduler.tidy(held.read, &live);
        }
        self
    }

    /// Every lease runs out by its worker's own clock.
    pub(crate) fn end_leases(&mut self) {
        for worker in &mut self.workers {
            if let Worker::At(unit) = worker {
                unit.valid = false;
            }
        }
    }

    pub(crate) const fn may_fall_back(&self) -> bool {
        self.faults.failovers > 0 || self.faults.restores > 0
    }

    /// Whose connection is closed sends no more.
    fn close_uploads(&mut self) {
        for worker in ALL_WORKERS {
            let sends = self
                .unit(worker)
                .filter(|unit| unit.is_uploading())
                .map(|unit| unit.job);
            for (job, images) in (0..).zip(&mut self.glance) {
                if sends != Some(job) {
                    images.close_uploads(worker);
                }
            }
        }
    }
}
